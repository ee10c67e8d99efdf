/// Who has the packages and .NET, and nothing of this repository: the pages' own code, run as it stands.
module Package.Tests.ConsumerTests

open System
open System.IO
open System.Text
open System.Text.RegularExpressions
open Expecto
open Package.Tests
open Package.Tests.Packages
open Package.Tests.Scene
open Package.Tests.Support

let private page (it: Library) =
    File.ReadAllText(inRoot (Path.Combine(it.Folder, "PACKAGE.md")))

let private code (id: string) (language: string) =
    let it = all |> List.find (fun it -> it.Id = id)
    Package.codeOf (page it) language

let private project (id: string) =
    $"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <NuGetAudit>false</NuGetAudit>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="{id}" Version="{version}" />
  </ItemGroup>
</Project>
"""

let private report = "{\"passed\":12}"

let private lines (text: string) =
    text.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

/// The script of a library's page.
let private runScript (scene: Scene) (id: string) =
    let script = List.exactlyOne (code id "fsharp")
    let reference = $"#r \"nuget: {id}\"\n"
    Expect.stringStarts script reference "the page's script begins with its package"

    scene.Folder.Write(
        "page.fsx",
        $"#i \"nuget: {scene.Packages}\"\n#i \"nuget: {feed}\"\n"
        + $"#r \"nuget: {id}, {version}\"\n"
        + script.Substring reference.Length
    )

    scene.Run("dotnet", [ "fsi"; "page.fsx" ], [])

[<Tests>]
let tests =
    testList "a user of the packages" [
        testCaseTask "exports from C#" (fun () ->
            task {
                use! scene = scene ()
                let folder = scene.Folder
                folder.Write("app/app.csproj", project "CellOS.Export.S3")
                folder.Write("app/Program.cs", List.exactlyOne (code "CellOS.Export.S3" "csharp"))
                folder.Write("report.json", report)
                let! _ = scene.Run("dotnet", [ "build"; "app"; "-o"; "out"; "-v"; "quiet" ], [])
                let url = scene.Url "cell-7/report.json"
                let! output = scene.Run("dotnet", [ "out/app.dll" ], [ "EVIDENCE_URL", url ])

                scene.IsTrue(
                    List.exactlyOne (lines output),
                    "cell-7/report.json",
                    Encoding.UTF8.GetBytes report
                )

                let! struct (code, output, error) =
                    run folder.Path (scene.Variables [ "EVIDENCE_URL", url + "0" ]) "dotnet" [
                        "out/app.dll"
                    ]

                Expect.equal code 1 "a URL with another signature is refused"
                Expect.equal output "" "without a receipt"

                Expect.stringStarts
                    error
                    "Refused: Export of 'report.json' to s3://evidence/"
                    "with the reason"
            })

        testCaseTask "steps the push machine in a script" (fun () ->
            task {
                use! scene = scene ()
                let! output = runScript scene "CellOS.Export.S3.Core"

                match lines output with
                | [ read; put; wait; again; receipt ] ->
                    Expect.equal
                        read
                        "evidence in eu-central-1, until 2026-04-01 09:00:00Z"
                        "the URL is read"

                    Expect.equal put "put 1" "the first attempt"
                    Expect.equal wait "wait until 2026-04-01 08:30:03Z" "as long as S3 asked"
                    Expect.equal again "put 2" "the second one"
                    Expect.stringStarts receipt "done: {\"targetKind\":\"s3\"" "the receipt"
                | other -> failtest $"these lines were not expected: {other}"
            })

        testCaseTask "states a law of pushes in a script" (fun () ->
            task {
                use! scene = scene ()
                let! output = runScript scene "CellOS.Export.S3.FsCheck"
                Expect.stringContains output "Our pushes end in time-Ok, passed 200 tests." "it holds"
            })

        testCaseTask "installs the tool, and exports with it" (fun () ->
            task {
                use! scene = scene ()
                let folder = scene.Folder

                let install, script =
                    match code tool.Id "sh" with
                    | [ install; script ] -> install, script
                    | other -> failtest $"the page has other commands: {other}"

                Expect.equal
                    (install.Trim())
                    $"dotnet tool install --global {tool.Id}"
                    "the command of the page"

                let place = folder.At "tools"

                let! _ =
                    scene.Run(
                        "dotnet",
                        [ "tool"; "install"; tool.Id; "--tool-path"; place; "--version"; version ],
                        []
                    )

                let! said = scene.Run(Path.Join(place, "cellos-export-s3"), [ "--version" ], [])
                Expect.equal ((said.Trim().Split '+')[0]) version "it says its version"

                let names = [
                    for found in Regex.Matches(List.exactlyOne (code tool.Id "json"), "\"([^\"]+)\":") ->
                        found.Groups[1].Value
                ]

                folder.Write("cell.yaml", List.exactlyOne (code tool.Id "yaml"))
                folder.Write("urls.json", scene.Manifest("cell-7", names))

                for name in names do
                    folder.Write($"out/{name}", name)

                let path =
                    String.Join(Path.PathSeparator, place, Environment.GetEnvironmentVariable "PATH")

                let! output = scene.Run("bash", [ "-e"; "-c"; script ], [ "PATH", path ])
                Expect.stringContains output "This can be used." "check finds nothing to refuse"
                let receipts = File.ReadAllLines(folder.At "receipts.jsonl")
                Expect.hasLength receipts names.Length "a receipt for each artifact"

                for name in names do
                    let receipt = receipts |> Array.find _.Contains($"\"artifactName\":\"{name}\"")
                    scene.IsTrue(receipt, $"cell-7/{name}", Encoding.UTF8.GetBytes name)
                    Expect.stringContains output receipt "which was printed, too"
            })
    ]
