/// The auditors' document, run as it is written.
module Cli.Tests.AuditingTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private guide = File.ReadAllText(Path.Combine(root, "docs", "auditing.md"))

let private blocks =
    Regex.Matches(guide, "(?m)^```sh\n(.*?)^```", RegexOptions.Singleline)
    |> Seq.map _.Groups[1].Value
    |> List.ofSeq

/// Runs shell commands in a folder with the tool under test: the exit code and what they wrote.
let private run (folder: string) (commands: string list) variables =
    task {
        let script =
            [
                $"cd {quote folder}"
                "set -eu"
                $"cellos-export-s3() {{ {quotedTool} \"$@\"; }}"
            ]
            @ commands
            |> String.concat "\n"

        use child = new Child("bash", [ "-c"; script ], variables)
        let! struct (code, output, error) = child.End()
        return code, output + error
    }

[<Tests>]
let tests =
    testList "the auditors' document" [
        testCaseTask
            "does what it says, with this tool and without it, and detects what was changed"
            (fun () ->
                task {
                    if not (has "openssl" && has "python3") then
                        skiptest "openssl or python3 is not installed"

                    use! scene = scene ()
                    let folder = scene.Folder
                    let names = [ "report.json"; "logs/stdout.txt" ]

                    for name in names do
                        folder.Write($"out/{name}", $"evidence {name}\n") |> ignore

                    let variables = scene.Manifest("cell-7", names)
                    let! code, said = run folder.Path blocks variables
                    Expect.equal code 0 said
                    Expect.stringContains said "VERIFIED: each of 2 artifacts is sealed" "this tool"
                    Expect.stringContains said "Verified OK" "openssl"
                    let verify, without = blocks[blocks.Length - 2], List.last blocks

                    let detects what (change: unit -> unit) (undo: unit -> unit) =
                        task {
                            change ()

                            for block in [ verify; without ] do
                                let! code, said = run folder.Path [ block ] []
                                Expect.notEqual code 0 $"{what}: {said}"

                            undo ()
                        }

                    let rewriting name (edit: string -> string) =
                        let before = File.ReadAllText(folder.At name)

                        (fun () -> folder.Write(name, edit before) |> ignore),
                        (fun () -> folder.Write(name, before) |> ignore)

                    do!
                        rewriting "out/report.json" (fun text -> text + "x")
                        ||> detects "a file is changed"

                    do!
                        rewriting "seals.jsonl" _.Replace("\"payload\":\"eyJ", "\"payload\":\"eyK")
                        ||> detects "a seal is changed"

                    do!
                        rewriting "head.txt" _.Replace("1:", "2:")
                        ||> detects "a seal is missing at the end"

                    do!
                        rewriting "seals.jsonl" (fun text -> text + text)
                        ||> detects "a seal is repeated"

                    let! code, said = run folder.Path [ verify; without ] []
                    Expect.equal code 0 said
                })
    ]
