/// What is kept in a spool, under which names, and what its notes say.
module CellOS.Export.S3.Core.Tests.SpoolNoteTests

open System
open System.Collections.Generic
open System.Text
open Microsoft.FSharp.Reflection
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config

let private unwrap result =
    result
    |> Result.defaultWith (fun (refusal: Refusal) -> failtest refusal.Message)

let private utf8 (text: string) =
    ReadOnlyMemory(Encoding.UTF8.GetBytes text)

let private parse (text: string) = SpoolNote.parseUtf8 (utf8 text)

let private headersOf (pairs: (string * string) list) =
    match RequestHeaders.create [ for name, value in pairs -> KeyValuePair(name, value) ] with
    | Ok headers -> headers
    | Error refusals -> failtestf "%A" refusals

/// Notes of any artifact, to the millisecond.
let notes: Gen<SpoolNote> =
    gen {
        let! kind = Gen.elements TargetKind.all
        let! target = Gen.optionOf Names.targetName
        let! cell = Names.cellId
        let! artifact = Names.artifactName
        let! bytes = Gen.elements [ 0L; 1L; 5368709120L; Int64.MaxValue ]
        let! digits = Gen.arrayOfLength 64 (Gen.elements ([ '0' .. '9' ] @ [ 'a' .. 'f' ]))

        let! contentType =
            Gen.optionOf (Gen.elements [ "text/plain"; "application/json; charset=utf-8" ])

        let! headers =
            Gen.subListOf [
                "x-amz-meta-run", "42"
                "Cache-Control", "no-store"
                "x-ms-blob-type", "BlockBlob"
            ]

        let! milliseconds = Gen.choose (0, Int32.MaxValue)
        let! failureKind = Gen.elements [ "Unreachable"; "TimedOut"; "SomethingLater" ]

        let! message =
            Texts.any
            |> Gen.filter (fun text -> text.EnumerateRunes() |> Seq.forall (fun rune -> rune.Value <> 0xfffd))

        return {
            TargetKind = kind
            TargetName = target
            CellId = cell
            ArtifactName = artifact
            Bytes = bytes
            Sha256 = String digits
            ContentType = contentType
            Headers = headersOf (List.ofSeq headers)
            SpooledAt = DateTimeOffset.UnixEpoch.AddMilliseconds(float milliseconds)
            FailureKind = failureKind
            Failure = message
        }
    }

/// A note of the first version, as it was written. It must stay readable for ever.
let private first =
    """{"version":1,"targetKind":"s3","targetName":"artifact-bucket","cellId":"cell-7","artifactName":"logs/stdout.txt","""
    + "\"bytes\":76,\"sha256\":\""
    + String('a', 64)
    + "\",\"contentType\":\"text/plain\",\"headers\":{\"x-amz-meta-run\":\"42\"},\"spooledAt\":\"2026-05-01T12:00:00.000Z\","
    + "\"failure\":{\"kind\":\"Unreachable\",\"message\":\"the host cannot be reached\"}}"

let private firstNote = unwrap (parse first)

[<Tests>]
let tests =
    testList "spool notes" [
        propertyTimes 500 "a note that was written is read again" notes (fun note ->
            let json = SpoolNote.toJson note
            Expect.isFalse (json.Contains '\n') "one line"
            Expect.equal (parse json) (Ok note) json)

        testCase "a note of the first version is read, and written as it was" (fun () ->
            Expect.equal (ArtifactName.value firstNote.ArtifactName) "logs/stdout.txt" "the name"

            Expect.equal
                (firstNote.TargetName |> Option.map TargetName.value)
                (Some "artifact-bucket")
                "the target"

            Expect.equal (firstNote.Headers |> List.map RequestHeader.reveal) [ "42" ] "the header"
            Expect.equal (SpoolNote.toJson firstNote) first "the same text")

        propertyTimes 200 "unknown fields are ignored" notes (fun note ->
            let json = SpoolNote.toJson note

            let more =
                json.Substring(0, json.Length - 1) + ""","later":{"a":[1]},"more":null}"""

            Expect.equal (parse more) (Ok note) more)

        table
            "a note of another version is refused, with what to do about a newer one"
            [
                "2", "is of version 2, and this version of the library reads 1"
                "2147483647", "is of version 2147483647"
                "0", "whole number from 1"
                "-1", "whole number from 1"
                "1.5", "whole number from 1"
                "\"1\"", "does not have a number in 'version'"
            ]
            (fun (version, expected) ->
                // Its other fields may have any meaning.
                match parse ("{\"version\":" + version + ",\"cellId\":{}}") with
                | Error refusal ->
                    refusal.Message.Contains expected
                    && refusal.Message.Contains "Nothing was removed"
                | Ok _ -> false)
            (fun _ -> true)

        propertyTimes 500 "what is no note is refused, whatever it is" Texts.any (fun text ->
            match parse text with
            | Ok note -> failtestf "%A" note
            | Error refusal -> Expect.isNotEmpty refusal.Message "a reason")

        propertyTimes
            500
            "a note that lost or changed a piece is another note or none"
            (Gen.zip3 notes (Gen.choose (0, 5000)) (Gen.elements [ ""; "\""; "}"; "1"; "\000"; "\\u0000" ]))
            (fun (note, at, piece) ->
                let json = SpoolNote.toJson note
                let at = at % json.Length
                let damaged = json.Remove(at, 1).Insert(at, piece)

                match parse damaged with
                | Ok read -> Expect.equal (parse (SpoolNote.toJson read)) (Ok read) "a whole note"
                | Error refusal -> Expect.isNotEmpty refusal.Message "a reason")

        table
            "each field has to be what it says"
            [
                "\"s3\"", "\"ftp\""
                "\"cell-7\"", "\"../x\""
                "\"logs/stdout.txt\"", "\"/etc/passwd\""
                "\"artifact-bucket\"", "\"..\""
                "76", "-1"
                "\"" + String('a', 64) + "\"", "\"abc\""
                "\"text/plain\"", "\"a\\nb\""
                "{\"x-amz-meta-run\":\"42\"}", "{\"host\":\"other\"}"
                "{\"x-amz-meta-run\":\"42\"}", "[]"
                "\"2026-05-01T12:00:00.000Z\"", "\"yesterday\""
                "\"Unreachable\"", "7"
            ]
            (fun (was, now) -> Result.isError (parse (first.Replace(was, now))))
            (fun _ -> true)

        propertyTimes 300 "entries have safe names, which are those of their artifact" notes (fun note ->
            let name = SpoolEntry.ofNote note
            Expect.isTrue (SpoolEntry.isName name) name

            Expect.equal
                name
                (SpoolEntry.name note.TargetKind note.TargetName note.CellId note.ArtifactName)
                "the same"

            let place = SpoolEntry.lockPlace name
            Expect.isGreaterThan place 0L "place 0 is the drain's"
            Expect.isLessThan place Int64.MaxValue "the end of the range is a number")

        propertyTimes 300 "two artifacts have two entries" (Gen.zip notes notes) (fun (one, two) ->
            let identity (note: SpoolNote) =
                note.TargetKind, note.TargetName, note.CellId, note.ArtifactName

            Expect.equal
                (SpoolEntry.ofNote one = SpoolEntry.ofNote two)
                (identity one = identity two)
                "one entry for one artifact")

        testCase "the name of an entry stays the same in every version" (fun () ->
            Expect.equal
                (SpoolEntry.ofNote firstNote)
                "6f5f1045902a66f27421189ca6b6d4e68d4ba3931c728cac47d9d174ebcb18e8"
                "it was spooled by an older version")

        testCase "names of files are no entries, and temporary files are strays" (fun () ->
            for name in
                [
                    ""
                    SpoolEntry.LockFile
                    "a"
                    String('A', 64)
                    String('g', 64)
                    String('a', 65)
                ] do
                Expect.isFalse (SpoolEntry.isName name) name

            let receipt = SpoolEntry.receipt (ReadOnlySpan(Encoding.UTF8.GetBytes first))

            for file in [ SpoolEntry.NoteFile; receipt; SpoolEntry.content firstNote.Sha256 ] do
                Expect.isFalse (SpoolEntry.isStray firstNote receipt file) file

            for file in
                [
                    SpoolEntry.NoteFile + SpoolEntry.TemporarySuffix
                    SpoolEntry.ContentTemporary
                    SpoolEntry.content (String('b', 64))
                    SpoolEntry.receipt (ReadOnlySpan [| 1uy |])
                ] do
                Expect.isTrue (SpoolEntry.isStray firstNote receipt file) file)
    ]

[<Tests>]
let policy =
    testList "spool policy" [
        testCase "keeps what failed for a temporary reason, and nothing else" (fun () ->
            let kept =
                FSharpType.GetUnionCases typeof<FailureKind>
                |> Array.map (fun case -> nonNull (FSharpValue.MakeUnion(case, [||])) |> unbox<FailureKind>)
                |> Array.filter SpoolPolicy.keeps
                |> Array.map string
                |> List.ofArray
                |> List.sort

            Expect.equal
                kept
                [ "DeadlineExceeded"; "TimedOut"; "Unavailable"; "Unreachable"; "UrlExpired" ]
                "the kinds that a spool keeps")

        table
            "a header that may be a credential keeps its artifact out of the spool"
            [
                ("x-amz-meta-run", "42"), true
                ("x-amz-server-side-encryption", "aws:kms"), true
                ("x-ms-blob-type", "BlockBlob"), true
                ("Cache-Control", "no-store"), true
                ("x-amz-server-side-encryption-customer-key", "c2VjcmV0"), false
                ("x-amz-server-side-encryption-customer-key-MD5", "c2VjcmV0"), false
                ("x-auth-token", "short"), false
                ("x-gateway", "ghp_0123456789abcdefghijABCDEFGHIJ012345"), false
                ("x-amz-meta-note", "Zk3Qw9Lr8Tn2Xv5Bm7Yc4Hd6Gs1Pf0Ja"), false
            ]
            (fun ((name, value), _) -> (SpoolPolicy.onHeaders (headersOf [ name, value ])).IsNone)
            snd

        testCase "no refusal shows the value of a header" (fun () ->
            match SpoolPolicy.onHeaders (headersOf [ "x-auth-token", "hunter2-secret" ]) with
            | Some refusal ->
                Expect.stringContains refusal.Message "x-auth-token" "the name"
                Expect.isFalse (refusal.Message.Contains "hunter2") "not the value"
            | None -> failtest "it is kept")

        table
            "a spool takes no more than its limit"
            [
                (None, Int64.MaxValue, Int64.MaxValue), true
                (Some 10L, 0L, 10L), true
                (Some 10L, 0L, 11L), false
                (Some 10L, 4L, 6L), true
                (Some 10L, 5L, 6L), false
                (Some 10L, 20L, 0L), false
                (Some Int64.MaxValue, Int64.MaxValue, 1L), false
                (Some 1L, Int64.MaxValue, Int64.MaxValue), false
            ]
            (fun ((most, used, length), _) ->
                (SpoolPolicy.onSize { Folder = "/s"; MaxBytes = most } used length).IsNone)
            snd

        testCase "each fault of the file system is a sentence with advice" (fun () ->
            for errno in [ 1; 5; 12; 13; 17; 20; 23; 28; 30; 36; 40; 122 ] do
                let refusal =
                    SpoolPolicy.onFault (LocalFailure.faultOfErrno errno "/spool: words of the system")

                Expect.stringContains refusal.Message "words of the system" (string errno)
                let message = SpoolPolicy.notKept refusal
                Expect.stringStarts message "It is not spooled: the " (string errno)
                Expect.isLessThan (message.Split(' ').Length) 46 message)

        testCase "a folder that is not safe is named, without what may be a secret" (fun () ->
            for fault in
                [
                    SpoolFolderFault.Link
                    SpoolFolderFault.Unusable "no such device."
                    SpoolFolderFault.OfAnotherUser
                    SpoolFolderFault.WritableByOthers
                    SpoolFolderFault.Drained
                ] do
                let message = (SpoolPolicy.onFolder "/var/spool/x" fault).Message
                Expect.stringStarts message "The spool '/var/spool/x' " message
                Expect.isLessThan (message.Split(' ').Length) 46 message)

        table
            "a spool's target is checked, all at once"
            [
                (Some "a", "c", "/s", None), 0
                (None, "c", "s", Some 1L), 0
                (Some "..", "", "", Some 0L), 4
                (Some " ", "a/b", "https://h/?X-Amz-Signature=0123456789abcdef", Some -1L), 3
            ]
            (fun ((name, cell, folder, most), _) ->
                match SpoolTarget.check None TargetKind.S3 (Option.toObj name) cell folder most with
                | Ok _ -> 0
                | Error refusals ->
                    Expect.all
                        refusals
                        (fun refusal -> not (refusal.Message.Contains "0123456789"))
                        "no secret"

                    refusals.Length)
            snd

        let inner name = {
            SpoolInner.Name = name |> Option.map (TargetName.create >> unwrap)
            CellId = unwrap (CellId.create "c")
            AsksCommand = false
        }

        table
            "target and cell of an inner sink apply, and others are refused"
            [
                (Some "a", None, ""), Ok(Some "a", "c")
                (Some "a", Some " ", "c"), Ok(Some "a", "c")
                (Some "a", Some "a", "c"), Ok(Some "a", "c")
                (None, None, "c"), Ok(None, "c")
                (Some "a", Some "b", "c"), Error 1
                (None, Some "a", "c"), Error 1
                (Some "a", Some "b", "d"), Error 2
            ]
            (fun ((own, name, cell), _) ->
                match
                    SpoolTarget.check (Some(inner own)) TargetKind.S3 (Option.toObj name) cell "/s" None
                with
                | Ok target -> Ok(target.Name |> Option.map TargetName.value, CellId.value target.CellId)
                | Error refusals -> Error refusals.Length)
            snd
    ]
