module CellOS.Export.S3.Core.Tests.BundleTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private entry name place = { Name = name; Place = place }

let private entries =
    gen {
        let! name = Gen.elements [ "x"; "y"; "z/x"; "X" ]
        let! place = segment
        return entry name place
    }
    |> Gen.listOf

[<Tests>]
let tests =
    testList "Bundle" [
        testCase "a name that two entries have is refused with both places" (fun () ->
            let refusals =
                Bundle.duplicates [
                    entry "b" "/one/b"
                    entry "a" "/one/a"
                    entry "b" "/two/b"
                    entry "b" "/three/b"
                ]

            Expect.equal
                (refusals |> List.map _.Problem)
                [ "'b' is given more than once: by '/one/b', '/two/b' and '/three/b'" ]
                "each name once")

        testCase "long paths keep the ends that tell them apart" (fun () ->
            let deep = String.replicate 60 "folder/"

            let message =
                (Bundle.duplicates [ entry "x" $"/{deep}one/x"; entry "x" $"/{deep}two/x" ]).Head.Message

            Expect.stringContains message "one/x'" "the first"
            Expect.stringContains message "two/x'" "the second")

        propertyTimes
            300
            "a refusal for each name that is there twice, and for no other"
            entries
            (fun entries ->
                let twice =
                    entries |> List.countBy _.Name |> List.filter (fun (_, count) -> count > 1)

                let refusals = Bundle.duplicates entries
                Expect.hasLength refusals twice.Length "as many"
                Expect.equal (Bundle.duplicates (List.rev entries)).Length refusals.Length "in any order")

        propertyTimes
            300
            "what is shown is one line, without secrets, and no longer than asked"
            anyText
            (fun text ->
                let shown = Shown.line text
                Expect.isFalse (shown |> Seq.exists Char.IsControl) "no control character"
                let short = Shown.short 20 text
                Expect.isTrue (short.EnumerateRunes() |> Seq.length <= 20) "short"

                // A name or a path, so a query is masked whole.
                let whole = Shown.line (Redaction.plain text)

                if whole.EnumerateRunes() |> Seq.length <= 20 then
                    Expect.equal short whole "as it is")
    ]
