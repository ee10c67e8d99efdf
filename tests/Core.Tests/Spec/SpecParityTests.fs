/// Specs in the form of the family: version, kind, the cell id, absolute paths, and one target for all artifacts.
module CellOS.Export.S3.Core.Tests.SpecParityTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private plain line value = SpecNode.Scalar(line, value, true)

let private map line entries =
    SpecNode.Mapping(line, entries |> List.map (fun (key, node) -> struct (key, node)) |> Array.ofList)

let private list line items =
    SpecNode.Sequence(line, Array.ofList items)

let private target =
    map 6 [ "name", plain 6 "a"; "kind", plain 7 "s3"; "bucket", plain 8 "b" ]

let private export =
    "export",
    map 5 [
        "targets", list 6 [ target ]
        "artifacts", list 9 [ map 9 [ "name", plain 9 "report.json"; "path", plain 10 "/out/report.json" ] ]
    ]

/// A spec of the family: these entries at the root and these below `spec`.
let private family root spec =
    map 1 (root @ [ "spec", map 3 (spec @ [ export ]) ])

let private idOf (node: SpecNode) =
    match SpecReader.read node with
    | Ok spec -> spec.Id |> Option.map CellId.value |> Option.defaultValue "none"
    | Error problems -> problems |> List.map string |> String.concat "; "

let private found (node: SpecNode) =
    let spec = Expect.wantOk (SpecReader.read node) "a spec"

    [
        for finding in (Settings.resolve (contextOf []) spec).Findings do
            if finding.Id.StartsWith "unknown-" then
                Expect.equal finding.Severity Severity.Warning "a warning"
                $"{finding.Id} {finding.Message}"
    ]

let private below roots path =
    match ArtifactPath.create path |> Result.bind (ArtifactPath.below roots) with
    | Ok path -> path
    | Error refusal -> refusal.Message

let private segment =
    Names.cellId
    |> Gen.map CellId.value
    |> Gen.filter (fun text -> not (text.Contains '\\') && text.IndexOf ':' <> 1)

/// Some segments of a path.
let private segments = Gen.nonEmptyListOf segment |> Gen.map (List.truncate 6)

let private absolute (segments: string list) = "/" + String.concat "/" segments

[<Tests>]
let tests =
    testList "spec parity" [
        testCase "reads the family's spec" (fun () ->
            let node =
                family [ "apiVersion", plain 1 "cellos.io/v1"; "kind", plain 2 "ExecutionCell" ] [
                    "id", plain 4 "cell-7"
                    "run", map 4 [ "command", plain 4 "x" ]
                ]

            let spec = Expect.wantOk (SpecReader.read node) "a spec"
            Expect.equal (found node) [] "no finding"
            Expect.equal (spec.Id |> Option.map CellId.value) (Some "cell-7") "its cell"

            Expect.equal
                [
                    for artifact in spec.Artifacts ->
                        string artifact.Name, artifact.Path, string artifact.Target
                ]
                [ "report.json", "/out/report.json", "a" ]
                "its artifact, for the only target")

        table
            "the cell id is below 'spec', a text, and a cell id"
            [
                family [] [ "id", plain 4 "cell-7" ], "cell-7"
                family [] [], "none"
                family [] [ "id", plain 4 "" ], "none"
                family [] [ "id", plain 4 "~" ], "none"
                family [ "id", plain 1 "cell-7" ] [], "none"
                map 1 [ export; "spec", map 3 [ "id", plain 4 "cell-7" ] ], "cell-7"
                map 1 [ export; "spec", plain 3 "cell-7" ], "none"
                family [] [ "id", plain 4 "42" ],
                "line 4: 'id' of 'spec' must be a text, and is a number. Put it in quotes if it is meant as it stands."
                family [] [ "id", map 4 [] ],
                "line 4: 'id' of 'spec' must be a text, and is a mapping. Give one text."
                family [] [ "id", plain 4 "a/b" ],
                "line 4: 'id' of 'spec': The cell id holds a '/'. Give one path segment: no '/', '\\' or control character, at most 255 bytes, and not '.' or '..'."
                family [] [ "id", plain 4 "a"; "id", plain 5 "b" ],
                "line 5: 'spec' has 'id' twice, itself or by a merge ('<<'). Keep one of them."
            ]
            (fst >> idOf)
            snd

        testCase "a wrong cell id is told together with what else is wrong" (fun () ->
            let problems =
                map 1 [ "spec", map 3 [ "id", plain 4 ".."; "export", map 5 [] ] ]
                |> SpecReader.read
                |> fun result -> Expect.wantError result "problems"

            Expect.equal (problems |> List.map _.Line) [ Some 4; Some 5 ] "their lines")

        table
            "a version or kind of the family that is not a cell spec's is a warning, and those of others are theirs"
            [
                (Some "cellos.io/v1", Some "ExecutionCell"), []
                (Some "cellos.io/v1", None), []
                (None, Some "ExecutionCell"), []
                (None, Some "Other"), []
                (Some "v1", Some "Pod"), []
                (Some "1", Some "Pod"), []
                (Some "cellos.io/v2", Some "ExecutionCell"),
                [
                    "unknown-version apiVersion: the spec has the version 'cellos.io/v2', and cellos.io/v1 is read (line 1). Write the spec in cellos.io/v1, or use a version of this tool that reads the other one."
                ]
                (Some "cellos.io/v1beta1", Some "Run"), [ "unknown-version" ]
                (Some "cellos.io/v1", Some "Run"),
                [
                    "unknown-kind kind: the document is of the kind 'Run', and a cell spec is of the kind ExecutionCell (line 2). Give the spec of the cell, or write 'kind: ExecutionCell' if it is one."
                ]
            ]
            (fun ((version, kind), expected) ->
                let root = [
                    for name, line, value in [ "apiVersion", 1, version; "kind", 2, kind ] do
                        match value with
                        | None -> ()
                        | Some value -> name, plain line value
                ]

                let found = found (family root [])

                List.zip found (List.truncate found.Length (expected @ List.replicate found.Length "\000"))
                |> List.map (fun (was, words) -> if was.StartsWith words then words else was))
            snd

        testCase "another cell than the spec's is a problem that shows both" (fun () ->
            let spec (id: string | null) =
                Expect.wantOk (CellSpec.createFor id [ s3 "a" ] []) "a spec"

            let problems (id: string | null) cell =
                (Settings.resolve
                    {
                        contextOf [
                            suffixed Variable.PresignedUrl "a",
                            "https://gw.example/{cell_id}/{artifact_name}"
                        ] with
                            CellId =
                                cell |> Option.map (CellId.create >> fun id -> Expect.wantOk id "a cell")
                    }
                    (spec id))
                    .Problems
                |> List.map _.Message

            Expect.equal (problems "cell-7" None) [] "none given"
            Expect.equal (problems "cell-7" (Some "cell-7")) [] "the same"
            Expect.equal (problems null (Some "cell-8")) [] "none in the spec"

            Expect.equal
                (problems "cell-7" (Some "cell-8"))
                [
                    "The spec is for the cell 'cell-7' ('id' of 'spec'), and the cell id is given as 'cell-8'. Correct one of them, or leave the given one out."
                ]
                "two")

        table
            "an absolute path is below a root, segment by segment"
            [
                [ "/cell" ], "/cell/out/a", "out/a"
                [ "/cell" ], "out/a", "out/a"
                [], "out/a", "out/a"
                [ "/cell/" ], "/cell/a", "a"
                [ "//cell/./" ], "/cell/./a", "a"
                [ "/" ], "/cell/a", "cell/a"
                [ "/link"; "/cell" ], "/cell/a", "a"
                [ "/:w" ], "/:w/a", "a"
                [ "/cell" ],
                "/cell/c:a",
                "The path 'c:a' is not relative to the artifact root. Give a path below the artifact root, such as 'out/stdout.txt'."
                [ "/cell"; "/cell/out" ], "/cell/out/a", "out/a"
                [ "/cell" ],
                "/cellar/a",
                "The path '/cellar/a' is not below the artifact root '/cell'. Give a path below the root, or the folder above the file as the root."
                [ "/cell" ],
                "/Cell/a",
                "The path '/Cell/a' is not below the artifact root '/cell'. Give a path below the root, or the folder above the file as the root."
                [ "/cell/out" ],
                "/cell/a",
                "The path '/cell/a' is not below the artifact root '/cell/out'. Give a path below the root, or the folder above the file as the root."
                [ "/cell/out" ],
                "/cell/out",
                "The path '/cell/out' names the artifact root itself. Give a path below the root, or the folder above the file as the root."
                // What follows a link by '..' is not what the text says.
                [ "/link/../cell" ],
                "/cell/a",
                "The path '/cell/a' is not below the artifact root. Give a path below the root, or the folder above the file as the root."
                [ "work" ],
                "/cell/a",
                "The path '/cell/a' is not below the artifact root. Give a path below the root, or the folder above the file as the root."
            ]
            (fun (roots, path, _) -> below roots path)
            (fun (_, _, expected) -> expected)

        property
            "the root and a relative path together are the absolute path"
            (Gen.zip segments segments)
            (fun (root, rest) ->
                let relative = String.concat "/" rest

                Expect.equal
                    (below [ absolute root ] (absolute (root @ rest)))
                    relative
                    "what was added is taken off"

                Expect.equal (below [ absolute root ] relative) relative "a relative path stays")

        property
            "a path below no root is refused, and an accepted one leads out of none"
            (Gen.zip (Gen.listOf segments) segments)
            (fun (roots, path) ->
                let isBelow =
                    roots
                    |> List.exists (fun root ->
                        root.Length < path.Length && List.truncate root.Length path = root)

                match ArtifactPath.below (List.map absolute roots) (absolute path) with
                | Ok relative ->
                    Expect.isTrue isBelow "there is a root above it"
                    Expect.isFalse (relative.StartsWith '/') "relative"
                    Expect.isFalse (relative.Split '/' |> Array.contains "..") "no '..'"
                | Error _ -> Expect.isFalse isBelow "there is none")

        testCase "paths that are not below the root are told at once, with their lines" (fun () ->
            let artifact line name path : SpecArtifact = {
                Name = name
                Path = path
                Target = null
                Line = Some line
            }

            let spec =
                specOf [ s3 "a" ] [
                    artifact 3 "x" "/cell/x"
                    artifact 4 "y" "/else/y"
                    artifact 5 "z" "z"
                    artifact 6 "q" "/cell"
                ]

            let problems =
                Expect.wantError (CellSpec.below [ "/cell" ] spec) "two problems"
                |> List.map string

            Expect.hasLength problems 2 "two"

            Expect.stringStarts
                problems[0]
                "line 4: artifact 'y': The path '/else/y' is not below"
                "the first"

            Expect.stringStarts problems[1] "line 6: artifact 'q': The path '/cell' names the" "the second"

            let placed = Expect.wantOk (CellSpec.below [ "/" ] spec) "all are below"

            Expect.equal
                [ for artifact in placed.Artifacts -> artifact.Path ]
                [ "cell/x"; "else/y"; "z"; "cell" ]
                "relative")

        testCase "a target's name has at most 128 characters" (fun () ->
            let names length =
                match CellSpec.create [ s3 (String('a', length)) ] [] with
                | Ok _ -> "accepted"
                | Error problems -> lines problems

            Expect.equal (names 128) "accepted" "128"
            Expect.stringContains (names 129) "is 129 characters long; 128 are allowed" "129")
    ]
