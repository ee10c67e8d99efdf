/// Keys and kinds in a spec that nothing reads.
module CellOS.Export.S3.Core.Tests.SpecFindingTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private plain line value = SpecNode.Scalar(line, value, true)
let private quoted line value = SpecNode.Scalar(line, value, false)

let private map line entries =
    SpecNode.Mapping(line, entries |> List.map (fun (key, node) -> struct (key, node)) |> Array.ofList)

let private list line items =
    SpecNode.Sequence(line, Array.ofList items)

let private target line entries =
    map
        line
        ([ "name", plain line "a"; "kind", plain line "s3"; "bucket", plain line "b" ]
         @ entries)

let private exporting targets =
    map 1 [ "export", map 1 [ "targets", list 2 targets ] ]

[<Tests>]
let tests =
    testList "what nothing reads" [
        let findings node =
            match SpecReader.read node with
            | Error problems -> failtestf "%A" problems
            | Ok spec ->
                (Settings.resolve (contextOf []) spec).Findings
                |> List.filter (fun finding -> finding.Id.StartsWith "unknown-")

        let text (finding: Finding) = $"{finding.Id} {finding.Message}"

        let export targets more =
            map 1 [ "export", map 1 ([ "targets", list 2 targets ] @ more) ]

        table
            "keys, with the nearest one that is read"
            [
                exporting [ target 3 [ "key-prefix", plain 7 "x" ] ],
                [
                    "unknown-key target 'a': key-prefix: nothing reads this key of the spec (line 7). Write keyPrefix, or remove the key."
                ]
                exporting [ target 3 [ "keyprefix", plain 7 "x" ] ], [ "Write keyPrefix" ]
                exporting [ target 3 [ "Region", plain 7 "x" ] ], [ "Write region" ]
                exporting [ target 3 [ "bukcet", plain 7 "x" ] ], [ "Write bucket" ]
                exporting [ target 3 [ "maxAttempts", plain 7 "3" ] ],
                [
                    "maxAttempts: nothing reads this key of the spec (line 7). Remove it, and set CELLOS_EXPORT_S3_MAX_ATTEMPTS__A: this is a setting of the environment."
                ]
                exporting [ target 3 [ "write_once", plain 7 "true"; "url", map 8 [] ] ],
                [ "set CELLOS_EXPORT_S3_WRITE_ONCE__A"; "url: " ]
                exporting [ target 3 [ "RetryBackoff", plain 7 "3" ] ],
                [ "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__A" ]
                exporting [ target 3 [ "endpoint", plain 7 "x" ] ],
                [
                    "Remove it. The keys that are read here are name, kind, bucket, region, keyPrefix."
                ]
                export [ target 3 [] ] [ "artefacts", list 9 [] ],
                [
                    "unknown-key artefacts: nothing reads this key of the spec (line 9). Write artifacts"
                ]
                export [ target 3 [] ] [
                    "artifacts",
                    list 9 [ map 9 [ "name", plain 9 "x"; "path", plain 9 "x"; "targets", plain 9 "a" ] ]
                ],
                [
                    "unknown-key targets: nothing reads this key of the spec (line 9). Write target"
                ]
                // What looks like an export, or a part of one, beside the one that is read.
                for key in
                    [
                        "artifacts"
                        "targets"
                        "artefacts"
                        "Artifacts"
                        "artifact"
                        "exports"
                        "Export"
                    ] do
                    let text =
                        $"unknown-key {key}: nothing reads this key of the spec outside 'export' (line 9). Move "

                    let beside = map 1 [ "targets", list 2 [ target 3 [] ] ]
                    let value = if key.ToLowerInvariant().StartsWith "exp" then map 9 [] else list 9 []
                    map 1 [ "export", beside; key, value ], [ text ]
                    map 1 [ "export", beside; "spec", map 8 [ key, value ] ], [ text ]
                    map 1 [ "spec", map 1 [ "export", beside; key, value ] ], [ text ]
                    map 1 [ key, value; "spec", map 1 [ "export", beside ] ], [ text ]

                map 1 [
                    "export", map 1 [ "targets", list 2 [ target 3 [] ] ]
                    "import", map 8 [ "artifacts", list 9 [] ]
                ],
                [
                    "unknown-key import: nothing reads this key of the spec outside 'export' (line 8). Move its lists below 'export', or remove the key."
                ]
                // Outside 'export', and below targets of other kinds, the other keys are others'.
                map 1 [
                    "export", map 1 [ "targets", list 2 [ target 3 [] ] ]
                    "kind", plain 4 "ExecutionCell"
                    "artifact", plain 5 "one"
                    "target", map 5 [ "os", plain 5 "linux" ]
                    "report", map 6 [ "path", plain 6 "x" ]
                    "build", map 7 [ "artifacts", list 7 [] ]
                    "spec", map 8 [ "id", plain 8 "cell-7"; "run", map 9 [ "command", plain 9 "x" ] ]
                ],
                []
                map 1 [
                    "apiVersion", plain 1 "v1"
                    "export", map 1 [ "targets", list 2 [ target 3 [] ] ]
                ],
                []
                exporting [
                    target 3 []
                    map 9 [ "name", plain 9 "l"; "kind", plain 9 "local"; "root", plain 9 "/x" ]
                ],
                []
                exporting [ target 3 [ "keyPrefix", plain 4 "x" ] ], []
                exporting [
                    map 3 [ "name", plain 3 "a"; "targetKind", plain 4 "s3"; "bucket", plain 5 "b" ]
                ],
                []
            ]
            (fun (node, expected) ->
                let found = findings node

                Expect.isTrue
                    (found |> List.forall (fun finding -> finding.Severity = Severity.Warning))
                    "warnings"

                [
                    for finding, part in Seq.zip found (expected @ List.replicate 9 "\000") do
                        if (text finding).Contains part then part else text finding
                ])
            snd

        table
            "kinds, with the nearest one that there is"
            [
                "S-3", [ "no sink has the kind 'S-3' (line 9). Write 's3' if that is meant" ]
                "s33", [ "Write 's3'" ]
                "locl", [ "Write 'local'" ]
                "HTTPS", [ "Write 'http'" ]
                "gcs", [ "The kinds are s3, local and http" ]
                "local", []
                "Http", []
                " http ", []
            ]
            (fun (kind, expected) ->
                let found =
                    findings (
                        exporting [ target 3 []; map 9 [ "name", plain 9 "o"; "kind", quoted 9 kind ] ]
                    )

                [
                    for finding, part in Seq.zip found (expected @ List.replicate 9 "\000") do
                        Expect.equal finding.Id FindingId.UnknownKind "its id"
                        Expect.equal finding.Target (Some "o") "its target"
                        if (text finding).Contains part then part else text finding
                ])
            snd

        testCase "a host's configuration is read in the same way" (fun () ->
            let entries = [
                for key, value in
                    [
                        "targets:0:name", "a"
                        "targets:0:kind", "s3"
                        "targets:0:bucket", "evidence"
                        "targets:0:MaxAtempts", "3"
                        "targets:1:name", "b"
                        "targets:1:kind", "S-3"
                    ] do
                    System.Collections.Generic.KeyValuePair(key, (value: string | null))
            ]

            match HostConfiguration.spec entries with
            | Error problems -> failtestf "%A" problems
            | Ok spec ->
                let resolution =
                    Settings.resolve
                        (contextOf [
                            suffixed Variable.PresignedUrl "a", "https://h.example/{artifact_name}"
                            Variable.Strict, "1"
                        ])
                        spec

                Expect.equal
                    (resolution.Findings
                     |> List.map (fun finding -> finding.Id, finding.Target, finding.Variable))
                    [ "unknown-key", Some "a", "MaxAtempts"; "unknown-kind", Some "b", "kind" ]
                    "both"

                Expect.hasLength (Settings.refusals resolution) 2 "strictness refuses them")

        testCase "a key that is a URL is shown without its secret" (fun () ->
            for finding in
                findings (exporting [ target 3 [ "https://h/x?X-Amz-Signature=5ecret5ecret", plain 7 "x" ] ]) do
                Expect.isFalse ((text finding).Contains "5ecret") (text finding))

        testCase "of many unknown keys the first fifty are reported" (fun () ->
            let node = exporting [ target 3 [ for i in 1..999 -> $"key{i}", plain 7 "x" ] ]
            Expect.hasLength (findings node) 50 "at most")

        testCase "one target alone has its own findings" (fun () ->
            let node =
                exporting [
                    target 3 [ "x", plain 4 "" ]
                    map 9 [ "name", plain 9 "o"; "kind", plain 9 "S-3" ]
                ]

            match
                SpecReader.read node
                |> Result.mapError List.head
                |> Result.bind (CellSpec.only "a")
            with
            | Error problem -> failtestf "%O" problem
            | Ok spec ->
                Expect.equal
                    ((Settings.resolve (contextOf []) spec).Findings
                     |> List.map _.Id
                     |> List.filter _.StartsWith("unknown"))
                    [ "unknown-key" ]
                    "of target a")
    ]
