/// Standard output and standard error as operators have them: closed, full, or without a reader.
module Cli.Tests.StreamTests

open System
open System.IO
open System.Threading
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Cli.Tests.Scene
open Cli.Tests.Support

/// `push` in a shell, with what comes after it there, such as `2>/dev/full`. A pipe's code is that of `push`.
let private shellPush (scene: Scene) variables (arguments: string list) (redirection: string) =
    task {
        let quote (text: string) = "'" + text.Replace("'", "'\\''") + "'"

        let words =
            [ "dotnet"; tool; "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ]
            @ arguments

        let command = words |> List.map quote |> String.concat " "

        use child =
            new Child("bash", [ "-c"; $"set -o pipefail; {command} {redirection}" ], variables)

        return! child.End()
    }

let private bundle (scene: Scene) (names: string list) =
    for name in names do
        scene.Folder.Write($"out/{name}", $"evidence of {name}") |> ignore

    scene.Folder.At "out"

[<Tests>]
let tests =
    testList "streams" [
        testCaseTask "a standard error that takes nothing changes nothing else" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b" ]
                let out = bundle scene names
                let variables = scene.Manifest("cell-7", names)

                for redirection in [ "2>/dev/full"; "2>&-" ] do
                    let! struct (code, output, _) = shellPush scene variables [ out ] redirection
                    Expect.equal code 0 redirection
                    Expect.hasLength (objects output) 2 redirection
                    objects output |> List.iter scene.IsTrue

                    let! struct (code, output, _) =
                        shellPush scene variables [ scene.Folder.At "none" ] redirection

                    Expect.equal (code, output) (2, "") $"refused, {redirection}"
            })

        testCaseTask "a standard output that takes nothing ends the push with 1" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..60 -> $"f{i}" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "receipts.jsonl"
                let gone = scene.Folder.At "gone"
                let variables = scene.Manifest("cell-7", names)

                // The second artifact is taken when the reader of the first result has gone.
                scene.Server.OnAttempt <-
                    fun _ ->
                        if scene.Server.Requests.Count > 1 then
                            SpinWait.SpinUntil((fun () -> File.Exists gone), TimeSpan.FromSeconds 20.)
                            |> ignore

                        Fault.None

                for redirection, begun in
                    [ $"| (head -n 1; exec 0<&-; touch '{gone}')", 2; "> /dev/full", 1; ">&-", 1 ] do
                    if File.Exists receipts then
                        File.Delete receipts

                    let before = scene.Server.Requests.Count

                    let! struct (code, output, error) =
                        shellPush
                            scene
                            variables
                            [ out; "--receipts"; receipts; "--concurrency"; "1" ]
                            redirection

                    Expect.equal code 1 $"{redirection}: {error}"
                    Expect.stringContains error "Standard output takes no more" redirection
                    Expect.isFalse (error.Contains "Unexpected") error
                    objects output |> List.iter scene.IsTrue
                    let kept = (textOf receipts).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    Expect.hasLength kept begun $"{redirection}: nothing new was begun"
                    Expect.equal (scene.Server.Requests.Count - before) begun $"{redirection}: nor sent"

                    for line in kept do
                        Expect.isOk (Receipt.parse line) "whole receipts"
                        List.iter scene.IsTrue (objects line)
            })

        testCaseTask "a reader that takes all there is may go then" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b"; "c" ]
                let out = bundle scene names

                let! struct (code, output, error) =
                    shellPush scene (scene.Manifest("cell-7", names)) [ out ] "| head -n 3"

                Expect.equal code 0 error
                Expect.hasLength (objects output) 3 "all of them"
            })

        testCaseTask "an interruption ends what waits for a pipe" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                pipe (scene.Folder.At "pipe")

                use child =
                    toolWith [] [ "push"; "--spec"; scene.Folder.At "pipe"; "--cell-id"; "c"; out ]

                // Who opens a pipe waits for the other end, so from here on the tool reads.
                use _ =
                    new FileStream(
                        scene.Folder.At "pipe",
                        FileMode.Open,
                        FileAccess.Write,
                        FileShare.ReadWrite
                    )

                child.Signal 15
                let! struct (code, output, error) = child.End()
                Expect.equal (code, output) (143, "") error
                Expect.stringContains error "Interrupted" "it says so"
            })

        testCaseTask "no name is anything but a name" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "[red]x[/red]"; "{0} %s $(id) `id`"; "\u202Ertl"; "😀 emoji"; "-rf" ]
                let out = bundle scene names
                let variables = scene.Manifest("cell-7", names)

                let! struct (code, output, error) = shellPush scene variables [ out ] ""
                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "artifactName") |> List.sort)
                    (List.sort names)
                    "as they are"

                objects output |> List.iter scene.IsTrue
                Expect.isFalse (error.Contains '\u202E') "and not to the terminal"
                Expect.stringContains error "[red]x[/red]" "nor interpreted"
            })

        testCaseTask "the receipts file is known by whatever path, and kept out of the bundle" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = Path.Join(out, "receipts.jsonl")
                File.WriteAllText(receipts, "")
                Directory.CreateSymbolicLink(scene.Folder.At "link", out) |> ignore
                File.CreateSymbolicLink(scene.Folder.At "file-link", receipts) |> ignore
                shell "ln \"$0/out/receipts.jsonl\" \"$0/hard\"" scene.Folder.Path |> ignore

                for path in [ "link/receipts.jsonl"; "file-link"; "hard"; "out/../out/receipts.jsonl" ] do
                    let! struct (code, output, error) =
                        shellPush
                            scene
                            (scene.Manifest("cell-7", [ "a" ]))
                            [ out; "--receipts"; scene.Folder.At path ]
                            ""

                    Expect.equal code 0 $"{path}: {error}"

                    Expect.equal (objects output |> List.map (text "artifactName")) [ "a" ] path

                    Expect.stringContains error "it is left out" path
            })

        testCaseTask "the receipts file is not where standard output or standard error goes" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = scene.Folder.At "r"

                for path, redirection in
                    [
                        receipts, $">> '{receipts}'"
                        "/dev/stdout", $"> '{receipts}'"
                        receipts, $"2>> '{receipts}'"
                    ] do
                    let! struct (code, _, _) =
                        shellPush scene scene.SeedVariables [ out; "--receipts"; path ] redirection

                    Expect.equal code 2 redirection

                Expect.isEmpty scene.Server.Requests "nothing was sent"
                Expect.stringContains (textOf receipts) "is where standard output" "said so"
            })

        testCaseTask "what is refused is told in sentences, and nothing else is" (fun () ->
            task {
                use! scene = scene ()
                let segment = String('a', 250)
                let long = String.Join('/', Array.replicate 5 segment)
                scene.Folder.Write($"long/{long}", "") |> ignore
                let out = bundle scene [ "a" ]
                let variables = scene.SeedVariables

                for arguments, told in
                    [
                        [ scene.Folder.At "long" ], "S3 allows 1024"
                        [ out; "--receipts"; scene.Folder.At "none/r" ], "there is no folder"
                    ] do
                    let! struct (code, output, error) = shellPush scene variables arguments ""
                    Expect.equal (code, output) (2, "") error
                    let sentence = error.TrimEnd()
                    Expect.hasLength (sentence.Split '\n') 1 sentence
                    Expect.stringStarts sentence "cellos-export-s3: " "ours"
                    Expect.stringContains sentence told "why"
                    Expect.isFalse (sentence.Contains "Parameter") "of the command, not of the code"
            })
    ]
