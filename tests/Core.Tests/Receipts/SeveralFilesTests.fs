/// Resuming with the receipts of several files: which lines of two files are later only their times say.
module CellOS.Export.S3.Core.Tests.SeveralFilesTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config

let private moment (seconds: int) =
    DateTimeOffset.UnixEpoch.AddSeconds(float seconds)

/// The receipt of an artifact, of content that a letter stands for, at a second.
let private receipt (name: string) (content: char) (second: int) =
    LogLine.Receipt {
        TargetKind = "s3"
        TargetName = None
        Destination = $"s3://b/c/{name}"
        BytesWritten = 3L
        CellId = "c"
        ArtifactName = name
        Region = None
        ObjectUrl = None
        Sha256 = String(content, 64)
        Md5 = None
        Checksums = Map.empty
        ETag = None
        VersionId = None
        RequestId = None
        HostId = None
        DestinationChecked = true
        Integrity = "etag-md5"
        Attempts = 1
        StartedAt = moment second
        CompletedAt = moment second
    }

let private started (name: string) (second: int) =
    LogLine.Upload {
        State = UploadState.Started
        TargetName = ""
        Destination = $"s3://b/c/{name}"
        CellId = "c"
        ArtifactName = name
        ObjectUrl = None
        At = moment second
    }

let private damaged (object: string option) =
    LogLine.Damaged(
        {
            Subject = "receipt"
            Problem = "is damaged"
            Remedy = "Nothing."
        },
        object |> Option.map (fun name -> $"s3://b/c/{name}", None)
    )

let private isDone name content (files: LogLine list list) =
    let receipted = Resume.ofFiles false (files |> List.map Seq.ofList)

    Resume.isDone receipted "" "c" name $"s3://b/c/{name}" 3L (String(content, 64)) None

[<Tests>]
let tests =
    testList "Resume with several files" [
        testCase "counts the receipts of all" (fun () ->
            let files = [ [ receipt "a" 'a' 1 ]; []; [ receipt "b" 'b' 2 ] ]
            Expect.isTrue (isDone "a" 'a' files) "of the first"
            Expect.isTrue (isDone "b" 'b' files) "of the last"
            Expect.isFalse (isDone "b" 'a' files) "of other content")

        table
            "what may be later in another file takes a receipt back, in whichever order the files come"
            [
                "a later start", [ started "a" 2 ], false
                "an earlier start of another run", [ started "b" 2 ], true
                "a later receipt of other content", [ receipt "a" 'b' 2 ], false
                "a damaged line of the object", [ damaged (Some "a") ], false
                "a damaged line of another object", [ damaged (Some "b") ], true
                "a damaged line of an unknown object", [ damaged None ], false
                "a receipt of another artifact", [ receipt "b" 'b' 2 ], true
                "the same receipt", [ receipt "a" 'a' 1 ], true
            ]
            (fun (_, other, _) -> [
                isDone "a" 'a' [ [ receipt "a" 'a' 1 ]; other ]
                isDone "a" 'a' [ other; [ receipt "a" 'a' 1 ] ]
            ])
            (fun (_, _, expected) -> [ expected; expected ])

        testCase "a damaged line of the written file does not take back what follows it there" (fun () ->
            let own = [ damaged None; receipt "a" 'a' 1 ]
            Expect.isTrue (isDone "a" 'a' [ own ]) "alone"
            Expect.isTrue (isDone "a" 'a' [ [ receipt "b" 'b' 1 ]; own ]) "beside another"
            Expect.isFalse (isDone "b" 'b' [ [ receipt "b" 'b' 1 ]; own ]) "the other's may be earlier"
            Expect.isFalse (isDone "a" 'a' [ own; [ receipt "b" 'b' 1 ] ]) "the last one is written")

        property
            "a receipt that counts is the latest line about its object in all files"
            (Gen.zip
                (Gen.listOf (Gen.choose (0, 9)))
                (Gen.listOf (
                    Gen.map3
                        (fun name content second -> name, content, second)
                        (Gen.elements [ "a"; "b" ])
                        (Gen.elements [ 'a'; 'b' ])
                        (Gen.choose (0, 9))
                )))
            (fun (starts, receipts) ->
                let first = [ for name, content, second in receipts -> receipt name content second ]
                let other = [ for second in starts -> started "a" second ]
                let last = receipts |> List.filter (fun (name, _, _) -> name = "a")

                for files in [ [ first; other ]; [ other; first ] ] do
                    for content in [ 'a'; 'b' ] do
                        if isDone "a" content files then
                            let latest = last |> List.map (fun (_, _, second) -> second) |> List.max

                            Expect.exists
                                last
                                (fun (_, own, second) -> own = content && second = latest)
                                "its own"

                            Expect.all starts (fun second -> second <= latest) "no later start")
    ]
