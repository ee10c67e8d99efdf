module CellOS.Export.S3.Core.Tests.VerificationTests

open System
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.FailureReportTests
open CellOS.Export.S3.Core.Tests.SealStatementTests
open CellOS.Export.S3.Core.Tests.SealTamperings
open CellOS.Export.S3.Core.Tests.VerificationModel
open CellOS.Export.S3.Core.Tests.TextGenerators

let private utf8 (text: string) = Encoding.UTF8.GetBytes text
let private noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

/// The receipt of a content, whose upload ended this number of seconds after noon.
let receiptOf (cell: string) (name: string) (content: byte[]) (seconds: int) : Receipt = {
    TargetKind = "s3"
    TargetName = Some "t"
    Destination = $"s3://b/{cell}/{name}"
    BytesWritten = content.LongLength
    CellId = cell
    ArtifactName = name
    Region = None
    ObjectUrl = Some $"https://s3.example.com/b/{cell}/{name}"
    Sha256 = sha256 content
    Md5 = None
    Checksums = Map.empty
    ETag = Some "\"e\""
    VersionId = None
    RequestId = None
    HostId = None
    DestinationChecked = true
    Integrity = "etag-md5"
    Attempts = 1
    StartedAt = noon
    CompletedAt = noon.AddSeconds(float seconds)
}

let private a, b = utf8 "content of a", utf8 "content of b"
let private receiptA, receiptB = receiptOf "c" "a" a 1, receiptOf "c" "logs/b" b 2

/// The statement of a run that stored these.
let stating (receipts: Receipt list) : SealStatement = {
    statement with
        Outcome = SealOutcome.Completed
        Planned = int64 receipts.Length
        Skipped = 0L
        Receipts = receipts
        Failures = []
}

/// A file of receipts.
let log (receipts: Receipt list) : byte[] =
    receipts
    |> List.map (fun receipt -> Receipt.toJson receipt + "\n")
    |> String.concat ""
    |> utf8

/// A chain of runs that stored these.
let sealedRuns (runs: Receipt list list) : byte[] list =
    ([], runs)
    ||> List.fold (fun lines receipts -> lines @ [ next ours lines (stating receipts) ])

/// Nothing.
let none: Evidence = {
    Receipts = []
    Seals = []
    Envelopes = []
    Bundle = None
    Heads = []
    Keys = keys
    AcceptUnverified = false
    AcceptUnsealed = false
}

let private bundle = Map [ "a", a; "logs/b", b ]

/// Two artifacts of one sealed run, with their files.
let private all = {
    none with
        Receipts = [ log [ receiptA; receiptB ] ]
        Seals = [ bytesOf (sealedRuns [ [ receiptA; receiptB ] ]) ]
        Bundle = Some bundle
}

let private statuses (given: Evidence) =
    (verify given).Findings |> List.map (fun found -> found.Name, found.Status.Name)

/// The statuses, seals and problems of what is not good, and the verdict.
let private failing (given: Evidence) =
    let report = verify given

    report.Findings
    |> List.filter (_.IsGood >> not)
    |> List.map (fun found -> found.Name, found.Status.Name, found.Seal.Name),
    report.Result.IsGood

let private started = {
    State = UploadState.Started
    TargetName = "t"
    Destination = receiptA.Destination
    CellId = "c"
    ArtifactName = "a"
    ObjectUrl = None
    At = noon.AddSeconds 5.
}

let private reportOfA = {
    fullReport with
        Destination = Some receiptA.Destination
}

let private withMarks (marks: UploadMark list) = {
    none with
        Receipts = [
            Array.append
                (log [ receiptA ])
                (marks
                 |> List.map (fun mark -> UploadMark.toJson mark + "\n")
                 |> String.concat ""
                 |> utf8)
        ]
}

[<Tests>]
let tests =
    testList "Verification" [
        testCase "all of it is good" (fun () ->
            let report = verify all
            Expect.isTrue report.Result.IsGood "good"
            Expect.equal (statuses all) [ "a", "intact"; "logs/b", "intact" ] "both"
            Expect.all report.Findings (fun found -> found.Seal = SealCoverage.Sealed) "sealed"
            Expect.equal report.Result.Sealed 2L "counted"

            Expect.equal
                (VerificationResult.verdict report.Result)
                "VERIFIED: each of 2 artifacts is sealed and has the content that was exported."
                "the verdict")

        table
            "tells what is wrong with files"
            [
                Map.empty, [ "a", "missing"; "logs/b", "missing" ]
                Map.remove "a" bundle, [ "a", "missing"; "logs/b", "intact" ]
                Map.add "a" b bundle, [ "a", "altered"; "logs/b", "intact" ]
                Map.add "c" a bundle, [ "a", "intact"; "logs/b", "intact"; "c", "unexpected" ]
                Map [ "A", a; "logs/b", b ], [ "a", "missing"; "logs/b", "intact"; "A", "unexpected" ]
            ]
            (fun (files, _) -> statuses { all with Bundle = Some files })
            snd

        testCase "files may have the keys of their objects as names" (fun () ->
            let byKeys = Map [ "c/a", a; "c/logs/b", b ]
            let report = verify { all with Bundle = Some byKeys }
            Expect.isTrue report.Result.IsGood "good"
            Expect.equal report.Result.Names (Some BundleNames.Keys) "by keys"

            Expect.equal
                (failing {
                    all with
                        Bundle = Some(Map.add "a" a byKeys)
                })
                ([ "a", "unexpected", "" ], false)
                "a name of the other kind is not expected")

        testCase "cells may have artifacts of the same name" (fun () ->
            let other = receiptOf "d" "a" b 3

            let given = {
                none with
                    Receipts = [ log [ receiptA; other ] ]
                    Bundle = Some(Map [ "c/a", a; "d/a", b ])
            }

            Expect.isTrue (verify given).Result.IsGood "by keys"

            Expect.equal
                (failing {
                    given with
                        Bundle = Some(Map [ "a", a ])
                })
                ([ "a", "altered", "" ], false)
                "by names, one of them differs")

        testCase "buckets may have other content under one key" (fun () ->
            let elsewhere = {
                receiptOf "c" "a" b 3 with
                    Destination = "s3://other-bucket/c/a"
                    TargetName = Some "other"
            }

            let bucket = receiptA.Destination.Substring(5).Split('/')[0]

            let given = {
                none with
                    Receipts = [ log [ receiptA; elsewhere ] ]
                    Bundle = Some(Map [ $"{bucket}/c/a", a; "other-bucket/c/a", b ])
            }

            let report = verify given
            Expect.isTrue report.Result.IsGood "a folder for each bucket"
            Expect.equal report.Result.Names (Some BundleNames.Buckets) "by buckets"

            Expect.equal
                (failing {
                    given with
                        Bundle = Some(Map [ $"{bucket}/c/a", a; "other-bucket/c/a", a ])
                })
                ([ "a", "altered", "" ], false)
                "each is compared with its own"

            // What a forger writes in place of an address breaks nothing.
            for destination in [ ""; "s3:"; "s3://"; "//"; "x" ] do
                let forged = {
                    elsewhere with
                        Destination = destination
                }

                verify {
                    given with
                        Receipts = [ log [ receiptA; forged ] ]
                }
                |> ignore)

        testCase "files of other targets may have the names of cell and artifact" (fun () ->
            let ofFolder (receipt: Receipt) = {
                receipt with
                    TargetKind = "localPath"
                    Destination = $"/evidence/{receipt.CellId}/{receipt.ArtifactName}"
            }

            let given = {
                none with
                    Receipts = [ log [ ofFolder receiptA; ofFolder (receiptOf "d" "a" b 3) ] ]
                    Bundle = Some(Map [ "c/a", a; "d/a", b ])
            }

            Expect.isTrue (verify given).Result.IsGood "two cells")

        testCase "a receipt without a seal does not overrule a sealed one of other content" (fun () ->
            let forged = receiptOf "c" "a" b 9

            let given lines = {
                all with
                    Receipts = [ log lines ]
                    Bundle = Some(Map.add "a" b bundle)
                    AcceptUnsealed = true
            }

            for lines in [ [ receiptA; receiptB; forged ]; [ forged; receiptB; receiptA ] ] do
                let report = verify (given lines)
                let found = report.Findings |> List.filter (_.IsGood >> not) |> List.exactlyOne
                Expect.isFalse report.Result.IsGood "not accepted"

                Expect.equal
                    (found.Name, found.Status, found.Seal)
                    ("a", ArtifactStatus.Intact, SealCoverage.NotSealed)
                    "which"

                Expect.stringContains
                    (List.exactlyOne found.Problems)
                    "of other content or confirmation"
                    "why"

            let again = {
                receiptA with
                    CompletedAt = forged.CompletedAt
                    Attempts = 2
            }

            let same = {
                given [ receiptA; receiptB; again ] with
                    Bundle = Some bundle
            }

            Expect.isTrue (verify same).Result.IsGood "of the same content, it is accepted"

            let unverified = {
                receiptA with
                    Integrity = "unverified"
            }

            let surer = {
                again with
                    Integrity = "checksum-sha256"
            }

            let upgraded = {
                given [ unverified; receiptB; surer ] with
                    Seals = [ bytesOf (sealedRuns [ [ unverified; receiptB ] ]) ]
                    Bundle = Some bundle
            }

            Expect.isTrue
                (verify upgraded).Result.HasFailed
                "what the store did not confirm is not confirmed by a line that anybody can write")

        testCase "failures that valid seals state are counted, and are no reason to fail" (fun () ->
            let failed = {
                stating [ receiptA ] with
                    Planned = 2L
                    Failures = [ { fullReport with MayBeStored = false } ]
            }

            let report =
                verify {
                    none with
                        Seals = [ bytesOf [ next ours [] failed ] ]
                        Bundle = Some(Map [ "a", a ])
                }

            Expect.equal (report.Result.Seals.Failures, report.Result.IsGood) (1L, true) "one"

            Expect.contains
                (VerificationWords.facts report.Result [] []
                 |> List.map (fun fact -> fact.Word, fact.Text))
                ("failures", "1 artifact not exported, as the seals state")
                "in words")

        testCase "the receipt that was completed last counts, in whatever order they come" (fun () ->
            let later = receiptOf "c" "a" b 9

            for receipts in [ [ receiptA; later ]; [ later; receiptA ] ] do
                for files in [ [ log receipts ]; List.map (List.singleton >> log) receipts ] do
                    let report =
                        verify {
                            none with
                                Receipts = files
                                Bundle = Some(Map [ "a", b ])
                        }

                    Expect.isTrue report.Result.IsGood "the later one"
                    Expect.equal report.Result.Superseded 1L "the earlier one")

        testCase "a receipt that no valid seal states is not sealed" (fun () ->
            let given = {
                all with
                    Seals = [ bytesOf (sealedRuns [ [ receiptA ] ]) ]
            }

            Expect.equal (failing given) ([ "logs/b", "intact", "not sealed" ], false) "b"
            let accepted = verify { given with AcceptUnsealed = true }
            Expect.isTrue accepted.Result.IsGood "accepted"

            Expect.equal
                (VerificationResult.verdict accepted.Result)
                "VERIFIED: each of 2 artifacts is sealed and has the content that was exported, except what was accepted (1 not sealed)."
                "and said")

        testCase "a receipt without a seal does not fail where a later one counts" (fun () ->
            let killed = {
                receiptA with
                    CompletedAt = receiptA.CompletedAt.AddSeconds -1.
            }

            let given = {
                all with
                    Receipts = log [ killed ] :: all.Receipts
            }

            let result = (verify given).Result
            Expect.isTrue result.IsGood "exported again, and sealed"
            Expect.equal (result.Sealed, result.NotSealed, result.Superseded) (2L, 1L, 1L) "counted")

        testCase "a sealed receipt that has no line is reported, and compared" (fun () ->
            let given = {
                all with
                    Receipts = [ log [ receiptB ] ]
            }

            Expect.equal (failing given) ([ "a", "intact", "sealed" ], false) "a"
            Expect.equal (verify given).Result.WithoutLine 1L "counted"

            Expect.equal
                (failing {
                    given with
                        Bundle = Some(Map [ "logs/b", b ])
                })
                ([ "a", "missing", "sealed" ], false)
                "with its file")

        testCase "an earlier receipt cannot take the place of a later one" (fun () ->
            let later = receiptOf "c" "a" b 9

            let given = {
                none with
                    Receipts = [ log [ receiptA ] ]
                    Seals = [ bytesOf (sealedRuns [ [ receiptA ]; [ later ] ]) ]
                    Bundle = Some(Map [ "a", a ])
            }

            Expect.equal (failing given) ([ "a", "altered", "sealed" ], false) "rolled back")

        testCase "a removed receipt of an object that was exported again is reported" (fun () ->
            let later = receiptOf "c" "a" b 9

            let given = {
                none with
                    Receipts = [ log [ later ] ]
                    Seals = [ bytesOf (sealedRuns [ [ receiptA ]; [ later ] ]) ]
            }

            Expect.equal (failing given) ([ "a", "not compared", "sealed" ], false) "the earlier one"
            Expect.equal (verify given).Result.WithoutLine 1L "counted")

        testCase "without files of receipts, the sealed ones are the receipts" (fun () ->
            let given = { all with Receipts = [] }
            Expect.isTrue (verify given).Result.IsGood "good"
            Expect.equal (verify given).Result.WithoutLine 0L "none is missed"

            Expect.equal
                (statuses {
                    given with
                        Bundle = Some(Map.add "a" b bundle)
                })
                [ "a", "altered"; "logs/b", "intact" ]
                "and compared")

        testCase "receipts that the store did not confirm" (fun () ->
            let integrity word = {
                none with
                    Receipts = [ log [ { receiptA with Integrity = word } ] ]
            }

            let status word accept =
                let report =
                    verify {
                        integrity word with
                            AcceptUnverified = accept
                    }

                report.Findings |> List.map _.Status.Name, report.Result.IsGood

            Expect.equal (status "unverified" false) ([ "not confirmed" ], false) "unverified"
            Expect.equal (status "unverified" true) ([ "not confirmed" ], true) "accepted"
            Expect.equal (status "trust-me" true) ([ "not confirmed" ], false) "an unknown word"
            Expect.equal (status "checksum-sha256" false) ([ "not compared" ], true) "confirmed")

        testCase "an upload whose end is unknown leaves the object in doubt" (fun () ->
            let status marks =
                (verify (withMarks marks)).Findings |> List.map _.Status.Name

            let notStored = {
                started with
                    State = UploadState.NotStored
                    At = noon.AddSeconds 6.
            }

            Expect.equal (status [ started ]) [ "not confirmed" ] "started"
            Expect.equal (status [ started; notStored ]) [ "not compared" ] "nothing was stored"
            Expect.equal (status [ started; notStored; started ]) [ "not confirmed" ] "started again"
            Expect.equal (status [ { started with At = noon } ]) [ "not compared" ] "before the receipt")

        testCase
            "a failure in a seal leaves the object in doubt, if something may have been stored"
            (fun () ->
                let status mayBeStored (seconds: float) =
                    let failed = {
                        stating [] with
                            StartedAt = noon.AddSeconds seconds
                            FinishedAt = noon.AddSeconds(seconds + 1.)
                            Planned = 1L
                            Failures = [
                                {
                                    reportOfA with
                                        MayBeStored = mayBeStored
                                }
                            ]
                    }

                    let first = next ours [] (stating [ receiptA ])

                    (verify {
                        none with
                            Seals = [ bytesOf [ first; next ours [ first ] failed ] ]
                    })
                        .Findings
                    |> List.map _.Status.Name

                Expect.equal (status true 5.) [ "not confirmed" ] "may be stored"
                Expect.equal (status false 5.) [ "not compared" ] "not stored"
                Expect.equal (status true 0.) [ "not compared" ] "before the receipt")

        table
            "lines that are not receipts are reported"
            [
                "", 0
                "\n  \n", 0
                FailureReport.toJson reportOfA + "\n", 0
                CloudEvent.ofFailure noon reportOfA + "\n", 0
                "{}\n", 1
                "x\n", 1
                Receipt.toJson receiptB
                |> fun json -> json.Replace("\"sha256\":\"", "\"sha256\":\"x") + "\n", 1
                Receipt.toJson receiptB |> fun json -> json.Substring(0, 20), 1
                Receipt.toJson receiptB, 0
                "\000\000\n", 1
            ]
            (fun (more, _) ->
                let file = Array.append (log [ receiptA ]) (utf8 more)
                (verify { none with Receipts = [ file ] }).Result.BadLines |> int)
            snd

        testCase "reads receipts in all forms that a push writes" (fun () ->
            for form in
                [
                    Receipt.toJson
                    CloudEvent.ofReceipt
                    InTotoStatement.ofReceipt >> Result.defaultValue ""
                ] do
                let file = utf8 (form receiptA + "\n" + form receiptB + "\n")
                let report = verify { all with Receipts = [ file ] }
                Expect.isTrue report.Result.IsGood (form receiptA)
                Expect.equal report.Result.Receipts 2L "both"
                let cut = Array.truncate (file.Length - 1) file

                Expect.isTrue
                    (verify { all with Receipts = [ cut ] }).Result.IsGood
                    "without the last line end")

        testCase "a statement whose subject is not that of its receipt is damaged" (fun () ->
            let json = InTotoStatement.ofReceipt receiptA |> Result.defaultValue ""
            let at = json.IndexOf receiptA.Sha256
            let other = json.Remove(at, 64).Insert(at, receiptB.Sha256)

            let report =
                verify {
                    none with
                        Receipts = [ Array.append (log [ receiptB ]) (utf8 (other + "\n")) ]
                }

            Expect.equal report.Result.BadLines 1L "another subject")

        testCase "heads are looked for in all files of seals" (fun () ->
            let lines = sealedRuns [ [ receiptA ]; [ receiptB ] ]

            let head (lines: byte[] list) : SealHead = {
                Count = int64 lines.Length
                Sha256 = sha256 (List.last lines)
            }

            let given = {
                all with
                    Seals = [ bytesOf lines ]
                    Heads = [ head lines ]
            }

            let whole = (verify given).Result
            Expect.isTrue (whole.IsGood && whole.IsAnchored) "contained"

            Expect.isEmpty
                (VerificationResult.limits whole |> List.filter _.Contains("--head"))
                "up to the last seal"

            let old =
                (verify {
                    given with
                        Heads = [ head [ lines[0] ] ]
                })
                    .Result

            Expect.isTrue (old.IsGood && old.HasOldHead) "contained, and not the last one"
            Expect.exists (VerificationResult.limits old) _.Contains("goes on after") "it is reported"

            // Of two files, each has a head of its own.
            let second = sealedRuns [ [ receiptA ] ]

            for heads, isAnchored in [ [ head lines ], false; [ head lines; head second ], true ] do
                let two =
                    (verify {
                        given with
                            Seals = [ bytesOf lines; bytesOf second ]
                            Heads = heads
                    })
                        .Result

                Expect.equal two.IsAnchored isAnchored $"{heads.Length} heads of two files"

            let cut = {
                given with
                    Seals = [ bytesOf [ lines[0] ] ]
                    AcceptUnsealed = true
            }

            Expect.isTrue (verify cut).Result.HasFailed "removed"
            Expect.isTrue (verify { cut with Heads = [] }).Result.IsGood "which does not show without a head")

        testCase "nothing at all is not verified" (fun () ->
            for given in
                [
                    { none with Receipts = [ [||] ] }
                    {
                        none with
                            Receipts = [ [||] ]
                            Seals = [ [||] ]
                            Bundle = Some Map.empty
                    }
                ] do
                Expect.isTrue (verify given).Result.HasFailed "nothing"

            let failed = sealedRuns [ [] ]

            Expect.isTrue
                (verify { none with Seals = [ bytesOf failed ] }).Result.IsGood
                "a run that stored nothing")

        testCase "an envelope of another program seals as well, by any of the keys" (fun () ->
            let envelope (signer: Signer) payload =
                let sealed' = signer.Seal payload

                utf8
                    $$"""{ "payloadType": "{{Seal.PayloadType}}", "signatures": [ {"sig": "{{Convert.ToBase64String sealed'.Signature}}"} ], "payload": "{{Convert.ToBase64String sealed'.Payload}}" }"""

            let run =
                payload {
                    stating [ receiptA; receiptB ] with
                        Sequence = 1L
                        Previous = None
                }

            let one = InTotoStatement.ofReceipt receiptA |> Result.defaultValue "" |> utf8
            let other = InTotoStatement.ofReceipt receiptB |> Result.defaultValue "" |> utf8

            let given envelopes = {
                all with
                    Seals = []
                    Envelopes = envelopes
            }

            Expect.isTrue (verify (given [ envelope rotated run ])).Result.IsGood "of a run"

            Expect.isTrue
                (verify (given [ envelope ours one; envelope ours other ])).Result.IsGood
                "of each artifact"

            Expect.equal (verify (given [ envelope theirs run ])).Result.Seals.Forged 1L "another key"

            Expect.equal
                (verify (given [ envelope ours (utf8 "{}") ])).Result.Seals.Forged
                1L
                "another statement"

            Expect.equal (verify (given [ utf8 "{}" ])).Result.Seals.Forged 1L "not an envelope"

            Expect.equal
                (failing (given [ envelope ours one ]))
                ([ "logs/b", "intact", "not sealed" ], false)
                "not all")

        propertyTimes 300 "is total on any bytes" (Gen.zip anyText anyText) (fun (one, other) ->
            let report =
                verify {
                    all with
                        Receipts = [ utf8 one ]
                        Seals = [ utf8 other ]
                        Envelopes = [ utf8 one ]
                }

            Expect.isTrue report.Result.HasFailed "not what was exported"
            Expect.isNonEmpty (VerificationResult.problems report.Result) "and says why")
    ]
