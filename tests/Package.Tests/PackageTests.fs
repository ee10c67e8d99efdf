module Package.Tests.PackageTests

open System
open System.IO
open System.Text
open System.Text.RegularExpressions
open Expecto
open Package.Tests
open Package.Tests.Packages
open Package.Tests.Support

let private ofEach (what: string) (packages: Library list) (check: Library -> Map<string, byte[]> -> unit) =
    testCaseTask what (fun () ->
        task {
            let! folder = made ()

            for it in packages do
                check it (Package.filesOf (pathOf folder it.Id "nupkg"))
        })

/// The lower bounds that paket.dependencies gives.
let private bounds =
    Regex.Matches(File.ReadAllText(inRoot "paket.dependencies"), @"nuget (\S+) >= (\S+)")
    |> Seq.map (fun found -> found.Groups[1].Value, found.Groups[2].Value)
    |> Map.ofSeq

/// What a project refers to, without the lines of its groups, of which no library has one.
let private references (it: Library) =
    File.ReadAllLines(inRoot (Path.Combine(it.Folder, "paket.references")))
    |> Array.filter (fun line -> line <> "")
    |> List.ofArray

let private isPng (bytes: byte[]) =
    bytes[0] = 0x89uy && bytes.AsSpan(1).StartsWith "PNG"B

let private side (bytes: byte[]) (at: int) =
    Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(ReadOnlySpan(bytes, at, 4))

[<Tests>]
let tests =
    testList "the packages" [
        testCaseTask "are these, with symbols for each, and no other" (fun () ->
            task {
                let! folder = made ()

                let expected =
                    all
                    |> List.collect (fun it -> [ $"{it.Id}.{version}.nupkg"; $"{it.Id}.{version}.snupkg" ])
                    |> List.sort

                let actual =
                    Directory.GetFiles folder
                    |> Seq.map (Path.GetFileName >> nonNull)
                    |> List.ofSeq
                    |> List.sort

                Expect.sequenceEqual actual expected "the files"
            })

        ofEach "say what they are" all (fun it files ->
            let says name expected =
                Expect.equal (Package.said name files) expected $"{name} of {it.Id}"

            says "id" it.Id
            says "version" version
            says "authors" "CellOS.Export.S3 maintainers"
            says "license" "MIT"
            says "readme" "README.md"
            says "icon" "icon.png"
            says "projectUrl" ""
            says "repository" ""
            Expect.isGreaterThan (Package.said "title" files).Length 10 "a title"
            Expect.isGreaterThan (Package.said "description" files).Length 60 "a description"
            Expect.stringContains (Package.said "tags" files) "presigned-url" "tags"
            Expect.stringContains (Package.said "releaseNotes" files) "CHANGELOG.md" "where changes are told"

            Expect.stringContains
                (Package.said "copyright" files)
                "CellOS.Export.S3 maintainers"
                "whose it is")

        ofEach "hold page, licence, changes and icon" all (fun it files ->
            let sameAs name (path: string) =
                Expect.equal (Package.textOf name files) (File.ReadAllText(inRoot path)) $"{name} of {it.Id}"

            sameAs "README.md" (Path.Combine(it.Folder, "PACKAGE.md"))
            sameAs "LICENSE" "LICENSE"
            sameAs "CHANGELOG.md" "CHANGELOG.md"
            let icon = files["icon.png"]
            Expect.isTrue (isPng icon) "the icon is a PNG"
            Expect.equal (side icon 16, side icon 20) (128, 128) "of 128 by 128"
            Expect.isLessThan icon.Length 10_000 "and small"
            let page = Package.textOf "README.md" files
            Expect.stringStarts page $"# {it.Id}\n" "the page is about this package"
            Expect.isFalse (Regex.IsMatch(page, @"\]\((?!https:)")) "and links to nothing beside it")

        ofEach "of libraries hold the assembly and its documentation alone" libraries (fun it files ->
            let held = files.Keys |> Seq.filter _.StartsWith("lib/") |> List.ofSeq

            Expect.sequenceEqual
                held
                [ $"lib/net10.0/{it.Id}.dll"; $"lib/net10.0/{it.Id}.xml" ]
                $"the files of {it.Id}"

            let documentation = Package.textOf $"lib/net10.0/{it.Id}.xml" files
            Expect.stringContains documentation "<summary>" "there is documentation"
            Expect.isEmpty (Package.packageTypesOf files) "they are of no particular type")

        ofEach "of libraries depend on what they use, from a version up" libraries (fun it files ->
            let expected = [
                for own in it.Own do
                    own, version
                for name in references it do
                    name, bounds[name]
            ]

            // A version without brackets means this one or any newer.
            Expect.sequenceEqual
                (List.sort (Package.dependenciesOf files))
                (List.sort expected)
                $"the dependencies of {it.Id}")

        ofEach
            "of the tool is one that runs on this .NET and newer, and holds all that it needs"
            [ tool ]
            (fun _ files ->
                Expect.sequenceEqual (Package.packageTypesOf files) [ "DotnetTool" ] "the type"
                Expect.isEmpty (Package.dependenciesOf files) "nothing else is needed"
                let settings = Package.textOf "tools/net10.0/any/DotnetToolSettings.xml" files

                Expect.stringContains
                    settings
                    "<Command Name=\"cellos-export-s3\" EntryPoint=\"cellos-export-s3.dll\" Runner=\"dotnet\" />"
                    "the command"

                let runtime =
                    Package.textOf "tools/net10.0/any/cellos-export-s3.runtimeconfig.json" files

                Expect.stringContains runtime "\"rollForward\": \"Major\"" "a newer runtime does, too"

                for it in
                    libraries
                    |> List.filter (fun it -> it.Id.StartsWith "CellOS.Export.S3.FsCheck" |> not) do
                    Expect.isTrue (files.ContainsKey $"tools/net10.0/any/{it.Id}.dll") $"{it.Id} is in it"

                Expect.isFalse
                    (files.Keys
                     |> Seq.exists (fun name -> name.EndsWith ".xml" && name.Contains "CellOS"))
                    "no documentation of code")

        ofEach "name no place of the machine that made them" all (fun it files ->
            for KeyValue(name, bytes) in files do
                Expect.isEmpty
                    (Package.held foreignPaths bytes)
                    $"{name} of {it.Id} (F# leaves the path of a file in a match that it cannot see through to the end)")

        testCase "would be found out if they did" (fun () ->
            for encoding in [ Encoding.UTF8; Encoding.Unicode ] do
                let bytes = encoding.GetBytes $"\000{root}/src/Core.fs\000"
                Expect.isFalse (Package.held foreignPaths bytes).IsEmpty "the path is seen")

        testCaseTask "are the same, byte for byte, when made in another folder" (fun () ->
            task {
                let! folder = made ()
                let! again = madeAgain ()

                for it in all do
                    for extension in [ "nupkg"; "snupkg" ] do
                        let one = Package.filesOf (pathOf folder it.Id extension)
                        let other = Package.filesOf (pathOf again it.Id extension)
                        Expect.sequenceEqual one.Keys other.Keys $"the files of {it.Id}.{extension}"

                        for name in one.Keys do
                            Expect.isTrue
                                (one[name] = other[name])
                                $"{name} of {it.Id}.{extension} is the same"

                        Expect.isTrue
                            (File.ReadAllBytes(pathOf folder it.Id extension) =
                                File.ReadAllBytes(pathOf again it.Id extension))
                            $"{it.Id}.{extension} is the same as a whole"
            })
    ]
