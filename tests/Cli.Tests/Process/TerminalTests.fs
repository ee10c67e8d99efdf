/// A push as an operator sees it on a terminal.
module Cli.Tests.TerminalTests

open System
open System.IO
open System.Text
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support
open Cli.Tests.Terminal

let private bundle (scene: Scene) =
    for name in [ "a"; "logs/b" ] do
        scene.Folder.Write($"out/{name}", $"evidence of {name}") |> ignore

    scene.Folder.At "out"

/// The exit code, standard output where it is not the terminal, what was written to the terminal, and its screen at the
/// end. `redirections` follow the command, where `$tty` is the terminal.
let private pushAfter
    (before: string)
    columns
    (scene: Scene)
    (arguments: string list)
    (redirections: string)
    =
    task {
        use terminal = new Terminal(columns)

        let variables =
            ("DOTNET_EnableWriteXorExecute", "0")
            :: ("TERM", "xterm")
            :: ("NO_COLOR", "")
            :: ("tty", terminal.Path)
            :: [
                for name, value in scene.Manifest("cell-7", [ "a"; "logs/b" ]) do
                    if name.Contains "BACKOFF" then name, "1500" else name, value
            ]

        let command =
            tool @ [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments
            |> List.map quote
            |> String.concat " "

        use child =
            new Child(
                "bash",
                [ "-c"; $"exec 9<>\"$tty\"; echo open; {before}{command} {redirections} 9>&-" ],
                variables
            )

        let! opened = child.ReadLine()
        Expect.equal opened "open" "the terminal"
        terminal.Start()
        let! struct (code, output, _) = child.End()
        let written = terminal.Output
        return code, output, written, screen columns written
    }

let private pushOn = pushAfter ""

let private onTerminal = ">\"$tty\" 2>\"$tty\" <\"$tty\""

let private isWithin (columns: int) (lines: string list) =
    for line in lines do
        Expect.isLessThan line.Length (columns + 1) line

[<Tests>]
let tests =
    testList "a terminal" [
        for columns in [ 80; 120 ] do
            testCaseTask $"shows a line for each artifact and no JSON: {columns} columns" (fun () ->
                task {
                    use! scene = scene ()
                    let out = bundle scene
                    scene.Server.Misbehave(bucket, "cell-7/a", Fault.Status(503, "SlowDown"))
                    let! code, _, written, screen = pushOn columns scene [ out ] onTerminal
                    Expect.equal code 0 written
                    Expect.stringContains written "503 SlowDown, again in 1." "the wait"
                    Expect.isFalse (written.Contains '{') "no JSON"
                    isWithin columns screen
                    let lines = screen |> List.filter (fun line -> line <> "")

                    Expect.equal
                        (lines |> List.filter _.StartsWith("exported") |> List.sort)
                        [ "exported a (13 B)"; "exported logs/b (18 B)" ]
                        "the artifacts"

                    Expect.stringStarts (List.last lines) "2 exported (31 B) of 2 in " "the sum"
                    Expect.isFalse (lines |> List.exists _.Contains('━')) "no bar remains"
                })

            testCaseTask $"shows bars while standard output is redirected: {columns} columns" (fun () ->
                task {
                    use! scene = scene ()
                    let out = bundle scene
                    scene.Server.Misbehave(bucket, "cell-7/a", Fault.Status(503, "SlowDown"))

                    let! code, output, written, screen =
                        pushOn columns scene [ out ] "2>\"$tty\" <\"$tty\""

                    Expect.equal code 0 written
                    objects output |> List.iter scene.IsTrue
                    Expect.hasLength (objects output) 2 "the receipts"
                    Expect.isFalse (written.Contains '{') "no JSON on the terminal"
                    Expect.stringContains written "─" "a bar"
                    isWithin columns screen

                    let lines = screen |> List.filter (fun line -> line <> "")
                    Expect.stringStarts (List.last lines) "2 exported (31 B) of 2 in " "the sum"
                    Expect.stringStarts (List.head lines) "warning region-mismatch: " "the note"

                    Expect.isFalse
                        (lines
                         |> List.exists (fun line -> line.Contains '━' || line.Contains "exported logs"))
                        "no bar remains"
                })

        testCaseTask "shows whole lines of JSON and no bars with --json" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene
                let! code, _, written, _ = pushOn 80 scene [ "--json"; out ] onTerminal
                Expect.equal code 0 written
                Expect.isFalse (written.Contains '━' || written.Contains '─') "no bar"

                let receipts =
                    written.Split("\r\n") |> Array.filter _.StartsWith('{') |> String.concat "\n"

                objects receipts |> List.iter scene.IsTrue
                Expect.hasLength (objects receipts) 2 "the receipts"
            })

        testCaseTask "shows a receipt that the receipts file does not take as a whole line of JSON" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene
                let receipts = scene.Folder.Write("receipts.jsonl", "")

                // Room for none.
                let! code, _, written, _ =
                    pushAfter
                        "ulimit -f 0; "
                        80
                        scene
                        [ "--concurrency"; "1"; "--receipts"; receipts; out ]
                        onTerminal

                Expect.equal code 1 written
                Expect.equal scene.Server.Requests.Count 1 "one object is stored"

                let lines =
                    written.Split("\r\n") |> Array.filter _.StartsWith('{') |> String.concat "\n"

                objects lines |> List.exactlyOne |> scene.IsTrue

                Expect.stringContains
                    written
                    "1 exported (13 B), of which 1 without a written receipt"
                    "the sum"
            })

        testCaseTask "shows a line for each artifact where standard error is redirected" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene
                let log = scene.Folder.At "log"

                let! code, _, written, screen =
                    pushOn 80 scene [ out; scene.Folder.At "cell.yaml" ] $">\"$tty\" 2>'{log}'"

                // The manifest has no URL for the third, which fails alone.
                Expect.equal code 1 written

                Expect.hasLength
                    (screen |> List.filter _.StartsWith("exported "))
                    2
                    "the others were exported"

                let! code, _, written, screen = pushOn 80 scene [ out ] $">\"$tty\" 2>'{log}'"
                Expect.equal code 0 written

                Expect.equal
                    (screen |> List.filter (fun line -> line <> "") |> List.sort)
                    [
                        "exported a (13 B) to s3://my-cellos-evidence/cell-7/a"
                        "exported logs/b (18 B) to s3://my-cellos-evidence/cell-7/logs/b"
                    ]
                    "the artifacts"
            })

        testCase "the screen that these tests read is the one that a terminal shows" (fun () ->
            Expect.equal (screen 80 "a\r\nb") [ "a"; "b" ] "lines"
            Expect.equal (screen 80 "abc\rx") [ "xbc" ] "the beginning of the line"
            Expect.equal (screen 80 "one\r\ntwo\r\n\027[2A\027[2Knew\r\n") [ "new"; "two" ] "up, and erase"
            Expect.equal (screen 3 "abcd") [ "abc"; "d" ] "a long line wraps"
            Expect.equal (screen 80 "\027[?1h\027=\027[?25l\027[38;5;2mx\027[0m") [ "x" ] "modes and colours")
    ]
