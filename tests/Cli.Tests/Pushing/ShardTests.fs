module Cli.Tests.ShardTests

open System
open System.IO
open System.Text.Json
open CellOS.Export.S3.Cli.Receipts
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

/// Of 2, 'report.json' and 'b' are in shard 1; of 3, shard 0 has none of these but 'x'.
let private evidence (scene: Scene) (names: string list) =
    for name in names do
        scene.Folder.Write($"out/{name}", $"the content of {name}") |> ignore

    scene.Folder.At "out"

let private push (scene: Scene) variables (options: string list) =
    runToolIn variables ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ options)

let private check (scene: Scene) variables (options: string list) =
    runToolIn variables ([ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ options)

let private names (output: string) =
    objects output |> List.map (text "artifactName") |> List.sort

let private all = [ "a"; "b"; "logs/stdout.txt"; "report.json"; "x" ]

/// As Python's hashlib assigns them: see the tests of the core.
let private ofThree = [ [ "x" ]; [ "a"; "b"; "logs/stdout.txt" ]; [ "report.json" ] ]

[<Tests>]
let tests =
    testList "shards" [
        testCaseTask "export each artifact once, and the summaries name them" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all

                for index, expected in List.indexed ofThree do
                    // Each shard has its own manifest, and the one of the others has expired.
                    let variables = scene.Manifest("cell-7", expected)

                    let! struct (code, output, error) =
                        push scene variables [ "--shard"; $"{index}/3"; out ]

                    Expect.equal code 0 error
                    Expect.equal (names output) expected $"shard {index}"

                    Expect.stringContains
                        error
                        $"shard {index}/3: {expected.Length} exported ("
                        "the summary names the shard"

                    Expect.isFalse (error.Contains "manifest-") $"no URL is lacking: {error}"

                for name in all do
                    Expect.isSome (scene.Stored $"cell-7/{name}") name
            })

        testCaseTask "take the index from an Indexed Job" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all
                let variables = scene.Manifest("cell-7", all)

                let! struct (code, output, error) =
                    push scene (("JOB_COMPLETION_INDEX", "1") :: variables) [ "--shard"; "/3"; out ]

                Expect.equal code 0 error
                Expect.equal (names output) ofThree[1] "shard 1"
                Expect.stringContains error "shard 1/3: " "the summary"
            })

        testCaseTask "are refused where they are not valid, before anything is sent" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all
                let manifest = scene.Manifest("cell-7", all)

                let index value =
                    ("JOB_COMPLETION_INDEX", value) :: manifest

                for variables, shard, sentence in
                    [
                        manifest, "3/3", "--shard: The shard has the index 3"
                        manifest, "3", "--shard: The shard is '3'. Give I/N, such as 2/8"
                        index "1", "3", "--shard: The shard is '3'. Give I/N, such as 2/8"
                        index "", "/3", "JOB_COMPLETION_INDEX, which has its index, is not set"
                        index "one", "/3", "JOB_COMPLETION_INDEX is 'one', not a whole number from 0"
                        index "3", "/3", "--shard: The shard has the index 3"
                    ] do
                    for command in [ push; check ] do
                        let! struct (code, output, error) = command scene variables [ "--shard"; shard; out ]

                        Expect.equal code 2 $"{shard}: {error}"
                        Expect.equal output "" "nothing"
                        Expect.stringContains error sentence shard

                Expect.isEmpty scene.Server.Objects "nothing was sent"
            })

        testCaseTask "without an artifact are a success, with a note" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene [ "a"; "report.json" ]
                let variables = scene.Manifest("cell-7", [ "a"; "report.json" ])
                let note = "Shard 0/3 has none of the 2 artifacts: this command exports nothing"

                for strict in [ []; [ "CELLOS_STRICT_CONFIG", "1" ] ] do
                    let! struct (code, output, error) =
                        push scene (strict @ variables) [ "--shard"; "0/3"; "--quiet"; out ]

                    Expect.equal code 0 error
                    Expect.equal output "" "no artifact"
                    Expect.stringContains error note "a note"
                    Expect.isFalse (error.Contains "no file") "there are files"

                    let! struct (code, output, error) =
                        check scene (strict @ variables) [ "--shard"; "0/3"; out ]

                    Expect.equal code 0 error
                    Expect.stringContains output note "a note"

                let! struct (code, _, error) =
                    push scene variables [ "--shard"; "0/3"; scene.Folder.At "none" ]

                Expect.equal code 2 $"nothing at all is no empty shard: {error}"
            })

        testCaseTask "of a spec's list need files and URLs of their own artifacts only" (fun () ->
            task {
                use! scene = scene ()
                evidence scene [ "a"; "b" ] |> ignore

                File.AppendAllText(
                    scene.Spec,
                    "  artifacts:\n"
                    + String.concat "" [ for name in all -> $"    - {{name: {name}, path: {name}}}\n" ]
                )

                let variables = scene.Manifest("cell-7", [ "a"; "b"; "logs/stdout.txt" ])
                let options = [ "--shard"; "1/3"; "--root"; scene.Folder.At "out" ]
                let! struct (code, output, error) = push scene variables options
                Expect.equal code 1 $"one of its files is missing: {error}"
                Expect.equal (names output) ofThree[1] "receipts and a failure"
                Expect.isFalse (error.Contains "manifest-") error

                let! struct (code, output, error) = check scene variables options
                Expect.equal code 2 $"one of its files is missing: {error}"
                Expect.stringContains output "3 artifacts listed in shard 1/3" "the heading"
                Expect.stringContains output "'logs/stdout.txt'" "the missing file"
                Expect.isFalse (output.Contains "report.json") $"of another shard: {output}"

                let! struct (code, output, error) =
                    check scene variables [ "--shard"; "2/3"; "--root"; scene.Folder.At "out" ]

                Expect.equal code 2 $"its manifest lacks all URLs: {error}{output}"
            })

        testCaseTask "are what check lists" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all
                // Those of another shard have no URL.
                let variables = scene.Manifest("cell-7", ofThree[1])

                let! struct (code, output, error) =
                    check scene variables [ "--shard"; "1/3"; "--json"; out ]

                Expect.equal code 0 $"{error}{output}"
                let report = JsonDocument.Parse(output).RootElement
                Expect.equal (text "shard" report) "1/3" "the shard"

                Expect.equal
                    [
                        for artifact in report.GetProperty("artifacts").EnumerateArray() ->
                            text "name" artifact
                    ]
                    ofThree[1]
                    "its artifacts"

                let! struct (code, output, _) = check scene variables [ "--shard"; "2/3"; out ]
                Expect.equal code 2 $"the manifest has no URL of shard 2: {output}"
            })

        testCaseTask "name the shard where a push is refused" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all
                let variables = scene.Manifest("cell-7", ofThree[1])
                let! struct (code, _, error) = push scene variables [ "--shard"; "2/3"; out ]
                Expect.equal code 2 error
                Expect.stringStarts error "cellos-export-s3: shard 2/3: " "the reason"
            })

        testCaseTask "one URL for artifacts of different shards is refused in each" (fun () ->
            task {
                use! scene = sceneBehind true
                let out = evidence scene all
                let url = $"{scene.Server.Endpoint}{bucket}/one"

                for index in 0..2 do
                    let! struct (code, _, error) =
                        push scene [ urlVariable, url; "CELLOS_EXPORT_S3_KEY_CHECK" + suffix, "off" ] [
                            "--shard"
                            $"{index}/3"
                            out
                        ]

                    Expect.equal code 2 error
                    Expect.stringContains error "5 artifacts are to go there" "the whole list"

                Expect.isEmpty scene.Server.Objects "nothing was sent"
            })

        testCaseTask "another number of them goes on with the receipts of all" (fun () ->
            task {
                use! scene = scene ()
                let out = evidence scene all
                let variables = scene.Manifest("cell-7", all)
                let file index = scene.Folder.At $"r-{index}.jsonl"

                for index in 0..1 do
                    let! struct (code, _, error) =
                        push scene variables [ "--shard"; $"{index}/3"; "--receipts"; file index; out ]

                    Expect.equal code 0 error

                // A push may be writing the one that is only read.
                use! writing = task { return ReceiptsFile.Open(file 1, false, ignore) }
                let before = [ for index in 0..1 -> textOf (file index) ]
                let mutable exported = []

                for index in 0..1 do
                    let! struct (code, output, error) =
                        push scene variables [
                            "--shard"
                            $"{index}/2"
                            "--resume"
                            "--receipts"
                            scene.Folder.At $"new-{index}.jsonl"
                            "--receipts"
                            file 0
                            "--receipts"
                            file 1
                            out
                        ]

                    Expect.equal code 0 error
                    exported <- exported @ names output

                Expect.equal exported ofThree[2] "only what has no receipt yet"
                Expect.equal [ for index in 0..1 -> textOf (file index) ] before "the others are only read"

                Expect.equal
                    (List.concat [
                        for index in 0..1 -> names (textOf (scene.Folder.At $"new-{index}.jsonl"))
                    ])
                    ofThree[2]
                    "receipts are in the first file"
            })

        testCaseTask
            "receipts files that are only read are not evidence, and have to be there once"
            (fun () ->
                task {
                    use! scene = scene ()
                    let out = evidence scene [ "a" ]
                    let variables = scene.Manifest("cell-7", [ "a" ])
                    let first = scene.Folder.At "r.jsonl"

                    let other =
                        scene.Folder.Write(
                            "out/other.jsonl",
                            line "z" + "\n" + """{"targetKind":"s3","tar"""
                        )

                    let notes = scene.Folder.Write("notes.txt", "notes\n")

                    let receipts (files: string list) =
                        files |> List.collect (fun file -> [ "--receipts"; file ])

                    for files, sentence in
                        [
                            [ first; scene.Folder.At "none" ], "only the first --receipts is made"
                            [ first; other; other ], "is given twice"
                            [ other; other ], "is given twice"
                            [ first; notes ], "notes.txt"
                            [ first; out ], "Give a regular file"
                        ] do
                        let! struct (code, output, error) =
                            push scene variables ("--resume" :: out :: receipts files)

                        Expect.equal code 2 error
                        Expect.equal output "" "nothing"
                        Expect.stringContains error sentence $"%A{files}"

                    let! struct (code, _, error) =
                        push scene variables (out :: receipts [ first; other ])

                    Expect.equal code 2 error
                    Expect.stringContains error "Several --receipts need --resume" "no resume"
                    Expect.isEmpty scene.Server.Objects "nothing was sent"

                    // Its own file has no torn line.
                    File.WriteAllText(first, "")

                    let! struct (code, output, error) =
                        push scene variables ("--resume" :: out :: receipts [ first; other ])

                    Expect.equal code 0 error
                    Expect.equal (names output) [ "a" ] "the evidence"

                    Expect.stringContains
                        error
                        "ends in a torn line of 23 bytes, which is ignored"
                        "the torn line"

                    Expect.stringContains error "is a receipts file; it is left out" "the file"
                })
    ]
