/// The operators' document, run as it is written.
module Cli.Tests.ReadmeTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Security.Cryptography
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private guide = File.ReadAllText(Path.Combine(root, "docs", "operators.md"))

/// Languages and texts; one that is part of a list is indented.
let private blocksOf (text: string) = [
    for found in Regex.Matches(text, "(?m)^( *)```([a-z]+)\n(.*?)^ *```", RegexOptions.Singleline) ->
        found.Groups[2].Value,
        found.Groups[3].Value.Replace("\n" + found.Groups[1].Value, "\n").TrimStart(' ')
]

let private blocks = blocksOf guide

/// The block of the auditors' document that begins like this.
let private shown (first: string) =
    blocksOf (File.ReadAllText(Path.Combine(root, "docs", "behaviour.md")))
    |> List.map snd
    |> List.find _.StartsWith(first)

let private only language =
    blocks |> List.filter (fst >> (=) language) |> List.map snd

/// What a shell does of a block: each line as it stands, and what it ended with. `# refused: 2` says that it is to
/// end so; every other is to succeed.
let private scripted (block: string) =
    block.Split('\n', StringSplitOptions.RemoveEmptyEntries)
    |> Seq.map (fun line ->
        let expected = Regex.Match(line, "# refused: (\\d+)$")
        let code = if expected.Success then expected.Groups[1].Value else "0"
        $"echo '>>>'\n{line}\ncode=$?; [ $code = {code} ] || {{ echo \"ended with $code\" >&2; exit 9; }}")
    |> String.concat "\n"

/// The program of a sample.
let private sample (name: string) = builtProgram $"samples/{name}" name

/// The line of the guide that takes the tool from its build: the tool under test takes its place.
let private ofThisTool (block: string) =
    Regex.Replace(
        block,
        "(?m)^cellos-export-s3\\(\\) .*$",
        (fun (_: Match) -> $"cellos-export-s3() {{ {quotedTool} \"$@\"; }}")
    )

[<Tests>]
let tests =
    testList "the operating guide" [
        testCaseTask "lists the exit codes that the tool has, as its help does" (fun () ->
            task {
                let codes =
                    typeof<CellOS.Export.S3.Cli.RefusedException>
                        .Assembly.GetType("CellOS.Export.S3.Cli.ExitCode")
                    |> nonNull
                    |> _.GetFields(Reflection.BindingFlags.Static ||| Reflection.BindingFlags.NonPublic)
                    |> Array.filter _.IsLiteral
                    |> Array.map (fun field -> string (field.GetRawConstantValue()))
                    |> List.ofArray

                let table =
                    File.ReadAllLines Reference.path
                    |> Seq.skipWhile (fun line -> not (line.StartsWith "| Exit code"))
                    |> Seq.takeWhile (_.StartsWith("|"))
                    |> Seq.collect (fun row -> Regex.Matches((row.Split '|')[1], "\\d+") |> Seq.map _.Value)

                Expect.sequenceEqual (Seq.sort table) (List.sort codes) "the table"
                let! struct (_, help, _) = runTool [ "push"; "--help" ]

                for code in codes do
                    Expect.isTrue (Regex.IsMatch(help, $"\\b{code}\\b")) $"the help has {code}"
            })

        testCaseTask "does what it says" (fun () ->
            task {
                use! scene = scene ()
                let folder = scene.Folder
                Directory.CreateDirectory(folder.At "trial") |> ignore

                Directory.CreateSymbolicLink(folder.At "src", Path.Combine(root, "src"))
                |> ignore

                Expect.equal (List.exactlyOne (only "yaml")) seedSpec "the spec is the seed's"
                folder.Write("trial/cell.yaml", seedSpec) |> ignore
                // The URLs that the guide shows are of AWS: these are of a server on loopback, for the same artifacts.
                let names = [
                    for found in Regex.Matches(List.exactlyOne (only "json"), "\"([^\"]+)\":") ->
                        found.Groups[1].Value
                ]

                scene.Manifest("cell-7", names) |> ignore
                File.Copy(folder.At "urls.json", folder.At "trial/urls.json")

                let script =
                    only "sh"
                    |> List.filter (fun block -> has "openssl" || not (block.Contains "openssl"))
                    |> List.map (ofThisTool >> scripted)
                    |> String.concat "\n"

                let here = folder.At "trial"
                use child = new Child("bash", [ "-c"; $"cd '{here}'\n{script}" ], [])
                let! struct (code, output, error) = child.End()
                Expect.equal code 0 $"every command ends as it says:\n{output}\n{error}"

                for line in
                    (only "text" |> List.find _.StartsWith("target artifact-bucket"))
                        .Split('\n', StringSplitOptions.RemoveEmptyEntries) do
                    Expect.stringContains output line "check shows what the guide shows"

                if has "openssl" then
                    use key = ECDsa.Create()
                    key.ImportFromPem(File.ReadAllText(folder.At "trial/public.pem"))

                    let lines, _ =
                        SealChecks.check
                            (SealChecks.keysOf [ key ])
                            (File.ReadAllBytes(folder.At "trial/seals.jsonl"))

                    Expect.equal (lines |> List.map _.Status.Name) [ "valid" ] "the run is sealed"

                let receipts = File.ReadAllLines(folder.At "trial/receipts.jsonl")
                Expect.hasLength receipts 2 "a receipt for each artifact, and none for the resumed push"
                receipts |> Array.iter (fun line -> List.iter scene.IsTrue (objects line))
                Expect.equal (Regex.Count(error, "2 skipped")) 2 "which left out both, twice"
                Expect.stringContains output "warning legacy-url-variable" "the legacy variable"
                Expect.stringContains error $"stands in for {urlVariable}" "is refused under strictness"
            })

        testCaseTask "shows an event and a statement of what it exports" (fun () ->
            task {
                use! scene = sceneBehind true
                scene.Folder.Write("out/logs/stdout.txt", "the cell has ended\n") |> ignore

                for format, first in [ "cloudevents", "{\"specversion"; "in-toto", "{\"_type" ] do
                    let! struct (code, output, error) =
                        runToolIn scene.SeedVariables [
                            "push"
                            "--spec"
                            scene.Spec
                            "--cell-id"
                            "cell-7"
                            "--format"
                            format
                            scene.Folder.At "out"
                        ]

                    Expect.equal code 0 error

                    // What the README leaves out, and when it was.
                    let pattern =
                        Regex.Escape((shown first).Replace("\n", "")).Replace("…", ".*")
                        |> fun text -> Regex.Replace(text, "2026-[^\"]*Z", "[0-9T:.-]*Z")

                    Expect.isMatch (output.TrimEnd()) $"^{pattern}$" format
            })

        testCaseTask "has a host that exports as the samples show it" (fun () ->
            task {
                use! scene = sceneBehind true

                for name in [ "a.txt"; "logs/b.txt" ] do
                    scene.Folder.Write($"out/{name}", name) |> ignore

                let arguments = [ sample "HostedExport"; scene.Spec; "cell-7"; scene.Folder.At "out" ]
                use host = new Child("dotnet", arguments, scene.SeedVariables)
                let! struct (code, output, error) = host.End()
                Expect.equal code 0 (output + error)
                Expect.hasLength (objects output) 2 "two receipts"
                objects output |> List.iter scene.IsTrue
                use refused = new Child("dotnet", arguments, [])
                let! struct (code, output, error) = refused.End()
                Expect.notEqual code 0 "no URL"
                Expect.stringContains (output + error) urlVariable "which it names"

                use lost =
                    new Child(
                        "dotnet",
                        [ sample "HostedExport"; scene.Spec; "cell-7"; scene.Folder.At "none" ],
                        scene.SeedVariables
                    )

                let! struct (code, output, error) = lost.End()
                Expect.equal code 1 $"no such folder: {output}{error}"
            })

        testCaseTask "has a service that exports to a target of its appsettings.json" (fun () ->
            task {
                use! scene = sceneBehind true
                let report = scene.Folder.Write("report.json", "{}")
                let program = sample "ConfiguredExport"
                let content = $"--contentRoot={Path.GetDirectoryName program}"
                let arguments = [ program; content; "--Export:CellId=cell-7"; $"--Report={report}" ]
                use host = new Child("dotnet", arguments, scene.SeedVariables)
                let! struct (code, output, error) = host.End()
                Expect.equal code 0 (output + error)
                // The host's log is on standard output, too.
                let lines = output.Split '\n' |> Array.filter _.StartsWith("{")
                scene.IsTrue(objects (String.concat "\n" lines) |> List.exactlyOne)
                use refused = new Child("dotnet", arguments, [])
                let! struct (code, output, error) = refused.End()
                Expect.notEqual code 0 "no URL"
                Expect.stringContains (output + error) urlVariable "which it names"

                use unnamed =
                    new Child("dotnet", [ program; content; "--Export:CellId=cell-7" ], scene.SeedVariables)

                let! struct (code, output, error) = unnamed.End()
                Expect.equal code 1 $"no report: {output}{error}"

                // A gateway that takes the request and says nothing.
                use silent = new TcpListener(IPAddress.Loopback, 0)
                silent.Start()

                use stopped =
                    new Child(
                        "dotnet",
                        arguments,
                        [ urlVariable, $"http://{silent.LocalEndpoint}/{{cell_id}}/{{artifact_name}}" ]
                    )

                use! _ = silent.AcceptTcpClientAsync()
                stopped.Signal 15
                let! struct (code, output, error) = stopped.End()
                Expect.equal code 1 $"stopped: {output}{error}"
                Expect.stringContains error "has no receipt" "and says so"
            })
    ]
