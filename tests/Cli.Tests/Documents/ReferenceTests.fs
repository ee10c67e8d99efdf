/// The reference is that of the code.
module Cli.Tests.ReferenceTests

open System.IO
open Expecto

[<Tests>]
let tests =
    testList "docs/reference.md" [
        testCase "is what ./build.sh docs writes" (fun () ->
            let written = File.ReadAllText Reference.path

            Expect.isTrue
                (written = Reference.render ())
                "the page is out of date. Run ./build.sh docs, and commit docs/reference.md")

        testCase "has every option and every kind of failure, and their meanings" (fun () ->
            let page = Reference.render ()

            for text in
                [
                    "| `--spec FILE` (required) |"
                    "| `--receipts FILE` |"
                    "| `--head "
                    "| `TimedOut` | 14 | yes |"
                    "| `Unknown` | 0 |  |"
                    "| 128 + N |"
                ] do
                Expect.stringContains page text "the page"

            for line in page.Split '\n' do
                Expect.isFalse (line.EndsWith "|  |") $"a meaning is missing: {line}")
    ]
