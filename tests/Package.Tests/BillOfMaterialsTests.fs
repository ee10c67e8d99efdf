/// The software bill of materials that `./build.sh release` writes, of packages alone. Those of the archive and the image
/// are in it where these are made: `./build.sh test-native` looks at them.
module Package.Tests.BillOfMaterialsTests

open System
open System.IO
open System.Security.Cryptography
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open Package.Tests.Support

let private program =
    let configuration = DirectoryInfo(AppContext.BaseDirectory).Parent |> nonNull
    inRoot $"build/Release/bin/{configuration.Name}/net10.0/Release.dll"

let private revision = String('a', 40)

/// The document of the packages under test.
let private write () =
    task {
        let! packages = Packages.made ()
        use folder = new Folder()

        for path in Directory.GetFiles packages do
            File.Copy(path, folder.At(nonNull (Path.GetFileName path)))

        let! _ =
            succeeds folder.Path [] "dotnet" [
                program
                "sbom"
                root
                folder.Path
                Packages.version
                revision
                "1777636800"
            ]

        return File.ReadAllText(folder.At $"cellos-export-s3-{Packages.version}.cdx.json")
    }

let private text (name: string) (node: JsonElement) =
    match node.TryGetProperty name with
    | true, value -> string value
    | _ -> ""

let private items (name: string) (node: JsonElement) =
    node.GetProperty(name).EnumerateArray() |> List.ofSeq

/// The packages of the main group, with their versions.
let private locked =
    Regex.Matches(
        (File.ReadAllText(inRoot "paket.lock").Split "\nGROUP ")[0],
        "(?m)^    ([A-Za-z][A-Za-z0-9.]*) \\(([^)]*)\\)"
    )
    |> Seq.map (fun found -> found.Groups[1].Value, found.Groups[2].Value)
    |> List.ofSeq

let private modules = inRoot "obj/fields/node_modules"

let private validation =
    """
const { Spec, Validation } = require('@cyclonedx/cyclonedx-library');
const text = require('node:fs').readFileSync(0, 'utf8');
new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text).then(found => {
  console.log(found === null ? 'valid' : JSON.stringify(found));
});
"""

[<Tests>]
let tests =
    testList "the software bill of materials" [
        testCaseTask
            "names the packages, and every package that they need, with digest and licence"
            (fun () ->
                task {
                    let! document = write ()
                    let bom = JsonDocument.Parse(document).RootElement
                    let components = items "components" bom

                    Expect.sequenceEqual
                        (components
                         |> List.map (fun it -> text "name" it, text "version" it)
                         |> List.sort)
                        (locked @ [ for it in Packages.all -> it.Id, Packages.version ] |> List.sort)
                        "the components"

                    for it in components do
                        let name, version = text "name" it, text "version" it
                        Expect.equal (text "purl" it) $"pkg:nuget/{name}@{version}" "its address"
                        let licence = (items "licenses" it).Head |> text "expression"
                        let expected = if name = "FsCheck" then "BSD-3-Clause" else "MIT"
                        Expect.equal licence expected $"the licence of {name}"

                        if List.contains (name, version) locked then
                            let lower = name.ToLowerInvariant()

                            let package =
                                Path.Combine(feed, lower, version, $"{lower}.{version}.nupkg")
                                |> File.ReadAllBytes

                            Expect.equal
                                (items "hashes" it |> List.map (text "content"))
                                [ Convert.ToHexStringLower(SHA512.HashData package) ]
                                $"the digest of {name}"
                })

        testCaseTask
            "connects them: no reference leads nowhere, and the product needs its packages"
            (fun () ->
                task {
                    let! document = write ()
                    let bom = JsonDocument.Parse(document).RootElement

                    let known =
                        text "bom-ref" (bom.GetProperty("metadata").GetProperty "component")
                        :: (items "components" bom |> List.map (text "bom-ref"))

                    let needs =
                        Map [
                            for it in items "dependencies" bom ->
                                text "ref" it, items "dependsOn" it |> List.map string
                        ]

                    Expect.sequenceEqual (Seq.sort needs.Keys) (Seq.sort known) "each has its needs"

                    for KeyValue(reference, needed) in needs do
                        Expect.containsAll known needed reference

                    Expect.equal
                        needs["CellOS.Export.S3"]
                        ([ for it in Packages.all -> $"nuget:{it.Id}" ] |> List.sort)
                        "the product's"

                    Expect.contains
                        needs["nuget:CellOS.Export.S3.FsCheck"]
                        "nuget:FsCheck"
                        "of the generators"

                    Expect.isFalse
                        (List.contains "nuget:FsCheck" needs["nuget:CellOS.Export.S3.Cli"])
                        "the tool has no generators"
                })

        testCaseTask "is the same for the same release" (fun () ->
            task {
                let! one = write ()
                let! other = write ()
                Expect.equal one other "each byte"
                Expect.stringContains one "\"2026-05-01T12:00:00Z\"" "the time is that of the commit"
                Expect.stringContains one revision "and so is the commit"
            })

        testCaseTask "is valid by the schema of CycloneDX 1.6" (fun () ->
            task {
                if not (Directory.Exists(Path.Join(modules, "@cyclonedx"))) then
                    skiptest "CycloneDX's library is missing; .ci/run installs it with npm in obj/fields"

                let! document = write ()
                use folder = new Folder()
                folder.Write("bom.json", document)

                let! output =
                    succeeds folder.Path [ "NODE_PATH", modules ] "bash" [
                        "-c"
                        "node -e \"$0\" <bom.json"
                        validation
                    ]

                Expect.equal (output.Trim()) "valid" "strictly"

                folder.Write("bom.json", document.Replace("\"library\"", "\"book\""))

                let! output =
                    succeeds folder.Path [ "NODE_PATH", modules ] "bash" [
                        "-c"
                        "node -e \"$0\" <bom.json"
                        validation
                    ]

                Expect.stringContains output "enum" "another one is not"
            })
    ]
