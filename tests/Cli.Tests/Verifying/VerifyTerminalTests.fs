/// A verification as an auditor sees it on a terminal.
module Cli.Tests.VerifyTerminalTests

open System
open System.IO
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support
open Cli.Tests.Terminal
open Cli.Tests.ToolTests
open Cli.Tests.VerifyScene

/// A file of this length in the bundle, which takes no space on the disk.
let private sparse (given: Exported) (length: int64) =
    use file = File.Create(Path.Join(given.Bundle, "large"))
    file.SetLength length

let private sigint = 2

[<Tests>]
let tests =
    testList "verify on a terminal" [
        testCaseTask "shows bars while files are read, and the report alone at the end" (fun () ->
            task {
                let! given, _ = exported [ "a" ]
                use _ = given
                sparse given 600_000_000L
                use terminal = new Terminal(100)
                let command = tool @ ("verify" :: given.All) |> List.map quote |> String.concat " "

                use child =
                    new Child(
                        "bash",
                        [ "-c"; $"exec 9<>\"$tty\"; echo open; {command} >\"$tty\" 2>\"$tty\" 9>&-" ],
                        [ "TERM", "xterm"; "NO_COLOR", ""; "tty", terminal.Path ]
                    )

                let! opened = child.ReadLine()
                Expect.equal opened "open" "the terminal"
                terminal.Start()
                let! struct (code, _, _) = child.End()
                let written = terminal.Output
                let lines = screen 100 written
                Expect.equal code 1 written
                Expect.stringContains written "of 572.2 MiB" "a bar"
                Expect.stringContains written "\027[?25h" "the cursor is shown again"
                Expect.stringStarts lines.Head "unexpected      large" "the report comes first"
                Expect.isFalse (lines |> List.exists _.Contains("exported")) "nothing was exported"

                Expect.equal
                    (lines |> List.filter ((<>) "") |> List.last)
                    "FAILED: 1 of 2 artifacts is not as recorded."
                    "the verdict"
            })

        testCaseTask "can be interrupted, and gives no verdict then" (fun () ->
            task {
                requireNotIgnored sigint
                let! given, _ = exported [ "a" ]
                use _ = given
                // It would take an hour to read.
                sparse given 4_000_000_000_000L
                let page = given.Folder.Write("pages/page.html", "older")
                use child = toolWith [] ("verify" :: "--json" :: "--html" :: page :: given.All)
                let! line = child.ReadLine()
                Expect.stringContains (nonNull line) "\"kind\":\"seal\"" "the first line"
                child.Signal sigint
                let! struct (code, output, error) = child.End()
                Expect.equal code 130 error
                Expect.stringContains error "Interrupted. There is no verdict." "which is said"
                Expect.isEmpty (ofKind "summary" output) "no summary"
                Expect.equal (File.ReadAllText page) "older" "no page"

                Expect.equal
                    (Directory.GetFileSystemEntries(given.Folder.At "pages"))
                    [| page |]
                    "nor a part of one"
            })
    ]
