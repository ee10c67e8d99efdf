/// The F# of the documents, run as it stands there.
module Samples.Tests.DocumentTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open Samples.Tests.Script

let private read (path: string list) =
    File.ReadAllText(Path.Combine(Array.ofList (root :: path)))

let private page = read [ "docs"; "fsharp.md" ]

/// All that a document tells to run of a sample.
let private commands =
    [
        page
        read [ "README.md" ]
        read [ "docs"; "maintainers.md" ]
        read [ "CONTRIBUTING.md" ]
    ]
    |> List.collect (fun text -> [
        for found in Regex.Matches(text, "(?m)^dotnet fsi samples/.*$") -> found.Value
    ])
    |> List.distinct

[<Tests>]
let tests =
    testList "the F# document" [
        testCaseTask "is a script that does what it says" (fun () ->
            task {
                let blocks = [
                    for found in Regex.Matches(page, "(?m)^```fsharp\n(.*?)^```", RegexOptions.Singleline) ->
                        found.Groups[1].Value
                ]

                Expect.isGreaterThan blocks.Length 5 "blocks"
                // As deep below the root as samples/ and docs/.
                let script = Path.Combine(root, "obj", "fsharp-document.fsx")
                File.WriteAllText(script, String.Join("\n", blocks))
                let! ran = runFile script [] [] ""
                succeeds ran

                // What a comment says comes out comes out.
                for block in blocks do
                    for found in Regex.Matches(block, "(?m)^// (https://.*)$") do
                        says [ found.Groups[1].Value ] ran

                says
                    [
                        "The placeholders are {cell_id} and {artifact_name}"
                        "X-Amz-Signature=REDACTED, 4692 bytes, within 00:00:30"
                        "wait 2 s"
                        "200: Retry Unreachable"
                        "412: Stop Refused"
                        "503: Retry Unavailable"
                        "3.5 s of waiting"
                        "Ok, passed 200 tests."
                    ]
                    ran

                hides [ "0123456789abcdef"; "AKEXAMPLE"; "c0ffee" ] ran
            })

        testCase "names every script" (fun () ->
            for path in Directory.GetFiles(Path.Combine(root, "samples"), "*.fsx") do
                let name = nonNull (Path.GetFileName path)

                // One in PascalCase is loaded by others.
                if Char.IsLower(name, 0) then
                    Expect.stringContains page $"| `{name}` |" "a row")

        testCaseTask "and the README show commands that work" (fun () ->
            task {
                Expect.isGreaterThan commands.Length 2 "commands"
                use folder = new Folder()

                for name in [ "samples"; "src" ] do
                    Directory.CreateSymbolicLink(folder.At name, Path.Combine(root, name)) |> ignore

                folder.Write("url.txt", "https://evidence.s3.eu-central-1.amazonaws.com/a?X-Amz-Expires=60")
                |> ignore

                for command in commands do
                    let! ran = start folder.Path [] "bash" [ "-c"; command ] ""
                    Expect.equal ran.Code 0 $"{command}\n{ran.Output}{ran.Error}"

                Expect.equal
                    (File.ReadAllText(folder.At "day.svg"))
                    (read [ "docs"; "retry-timeline.svg" ])
                    "the drawing that the document shows"
            })
    ]
