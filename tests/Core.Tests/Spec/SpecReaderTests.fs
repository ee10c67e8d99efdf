module CellOS.Export.S3.Core.Tests.SpecReaderTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Shown
open CellOS.Export.S3.Core.Tests.TextGenerators
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

let private without key entries =
    entries |> List.filter (fun (name, _) -> name <> key)

let private exporting targets =
    map 1 [ "export", map 1 [ "targets", list 2 targets ] ]

/// The seed's example.
let seed =
    exporting [
        map 3 [
            "name", plain 3 "artifact-bucket"
            "kind", plain 4 "s3"
            "bucket", plain 5 "my-cellos-evidence"
            "region", plain 6 "us-west-2"
        ]
    ]

let private read node =
    match SpecReader.read node with
    | Ok _ -> []
    | Error problems -> problems |> List.map string

let private bucketOf (node: SpecNode) =
    match
        SpecReader.read (exporting [ map 3 [ "name", plain 3 "a"; "kind", plain 3 "s3"; "bucket", node ] ])
    with
    | Ok spec -> "text " + Bucket.value spec.Targets.Head.Bucket
    | Error [ problem ] ->
        Expect.equal problem.Line (Some(if problem.Text.Contains "must be" then 9 else 3)) "its line"

        if problem.Text.Contains "has no 'bucket'" then "nothing"
        elif problem.Text.Contains "is a number" then "number"
        elif problem.Text.Contains "is a truth value" then "truth"
        elif problem.Text.Contains "is a list" then "list"
        elif problem.Text.Contains "is a mapping" then "mapping"
        else problem.Text
    | Error problems -> lines problems

let private starts (expected: string list) (problems: string list) =
    if
        expected.Length = problems.Length
        && List.forall2 (fun (words: string) (problem: string) -> problem.StartsWith words) expected problems
    then
        []
    else
        problems

[<Tests>]
let reading =
    testList "SpecReader" [
        testCase "the seed's spec" (fun () ->
            let spec = Expect.wantOk (SpecReader.read seed) "it reads"
            let target = spec.Targets.Head
            Expect.equal (TargetName.value target.Name) "artifact-bucket" "name"
            Expect.equal (Bucket.value target.Bucket) "my-cellos-evidence" "bucket"
            Expect.equal target.Region (Some "us-west-2") "region"
            Expect.equal target.KeyPrefix KeyPrefix.none "no prefix"
            Expect.equal target.Line (Some 3) "line"
            Expect.isEmpty spec.Artifacts "no artifacts")

        table
            "plain scalars are what YAML's core schema says"
            [
                yield! [ ""; "~"; "null"; "Null"; "NULL" ] |> List.map (fun text -> text, "nothing")

                yield!
                    [ "true"; "True"; "TRUE"; "false"; "False"; "FALSE" ]
                    |> List.map (fun text -> text, "truth")

                yield!
                    [
                        "0"
                        "-1"
                        "+12"
                        "007"
                        "0o17"
                        "0xfF"
                        "1.5"
                        ".5"
                        "-.5"
                        "1."
                        "1e3"
                        "-1.5E+10"
                        ".inf"
                        "-.INF"
                        "+.Inf"
                        ".nan"
                        ".NaN"
                        ".NAN"
                    ]
                    |> List.map (fun text -> text, "number")

                yield!
                    [
                        "nUll"
                        "none"
                        "yes"
                        "on"
                        "tRUE"
                        "0b1"
                        "0O17"
                        "0o8"
                        "0X1"
                        "-0x1"
                        "1_000"
                        "1,5"
                        "1e"
                        "e1"
                        "."
                        "-"
                        "1.2.3"
                        "2026-01-02"
                        "12:30"
                        "-.nan"
                        ".iNF"
                        "٣"
                        "1\n"
                        "true\n"
                        "b"
                    ]
                    // A line break is a control character, which no bucket holds.
                    |> List.map (fun text -> text, (if text.EndsWith '\n' then "text" else $"text {text}"))
            ]
            (fun (text, _) ->
                match bucketOf (plain 9 text) with
                | told when told.Contains "control character" -> "text"
                | told -> told)
            snd

        table
            "what has quotes is a text"
            ([ "~"; "null"; "true"; "1"; ".5"; "0x1"; ".nan" ])
            (fun text -> bucketOf (quoted 9 text))
            (fun text -> $"text {text}")

        testCase "lists and mappings are no texts" (fun () ->
            Expect.equal (bucketOf (list 9 [])) "list" "list"
            Expect.equal (bucketOf (map 9 [])) "mapping" "mapping"
            Expect.equal (bucketOf (quoted 9 "")) "nothing" "an empty text is left out")

        table
            "where the export stands, and what is no spec"
            [
                exporting [ target 3 [] ], []
                map 1 [
                    "apiVersion", plain 1 "1"
                    "spec", map 2 [ "x", list 2 []; "export", map 3 [ "targets", list 4 [ target 5 [] ] ] ]
                ],
                []
                map 1 [ "export", map 1 [ "targets", list 2 [ target 3 [] ] ]; "spec", plain 2 "x" ], []
                map 1 [ "export", map 1 [ "targets", list 2 [ target 3 [] ] ]; "spec", list 4 [] ],
                [ "line 4: 'spec' must be a mapping, and is a list" ]
                plain 1 "", [ "line 1: The spec is empty" ]
                plain 1 "x", [ "line 1: the spec must be a mapping, and is a text" ]
                list 1 [], [ "line 1: the spec must be a mapping, and is a list" ]
                map 1 [], [ "line 1: The spec has no 'export'" ]
                map 0 [], [ "The spec has no 'export'" ]
                map 1 [ "spec", plain 2 "x" ], [ "line 1: The spec has no 'export'" ]
                map 1 [ "Export", map 1 [] ], [ "line 1: The spec has no 'export'" ]
                map 1 [ "export", plain 2 "" ], [ "line 2: 'export' must be a mapping, and is empty" ]
                map 1 [ "export", map 2 [] ], [ "line 2: The spec has no targets" ]
                map 1 [ "export", map 2 [ "targets", plain 3 "~" ] ], [ "line 2: The spec has no targets" ]
                map 1 [ "export", map 2 [ "targets", list 3 [] ] ], [ "line 2: The spec has no targets" ]
                map 1 [ "export", map 2 [ "targets", map 3 []; "artifacts", plain 4 "5" ] ],
                [
                    "line 3: 'targets' must be a list, and is a mapping"
                    "line 4: 'artifacts' must be a list, and is a number"
                ]
                map 1 [ "export", map 2 []; "spec", map 3 [ "export", map 4 [] ] ],
                [ "line 2: The spec has two 'export'" ]
                map 1 [ "export", map 2 []; "export", map 3 [] ], [ "line 3: the spec has 'export' twice" ]
            ]
            (fun (node, expected) -> read node |> starts expected)
            (fun _ -> [])

        table
            "keys, their other spellings, and their types"
            [
                target 3 [ "keyPrefix", plain 4 "x" ], []
                target 3 [ "key_prefix", plain 4 "x" ], []
                map 3 [ "name", plain 3 "a"; "targetKind", plain 4 "s3"; "bucket", plain 5 "b" ], []
                target 3 [ "unknown", list 4 []; "Region", plain 5 "1" ], []
                target 3 [ "region", plain 4 "~"; "keyPrefix", plain 5 "" ], []
                target 3 [ "keyPrefix", plain 4 "x"; "key_prefix", plain 5 "y" ],
                [ "line 5: target 1 has both 'keyPrefix' and 'key_prefix'" ]
                target 3 [ "targetKind", plain 4 "s3" ],
                [ "line 4: target 1 has both 'kind' and 'targetKind'" ]
                target 3 [ "name", plain 4 "z" ], [ "line 4: target 1 has 'name' twice" ]
                target 3 [ "region", plain 4 "5" ],
                [
                    "line 4: 'region' of target 1 must be a text, and is a number. Put it in quotes"
                ]
                target 3 [ "region", list 4 [] ],
                [ "line 4: 'region' of target 1 must be a text, and is a list. Give one text" ]
                plain 3 "a", [ "line 3: target 1 must be a mapping, and is a text" ]
                // What cannot be read and what is wrong are told together, in the order of the keys.
                map 3 [
                    "name", plain 3 "-"
                    "kind", plain 4 "true"
                    "region", plain 5 "é"
                    "keyPrefix", plain 6 "1"
                ],
                [
                    "line 3: target '-': The target name"
                    "line 4: 'kind' of target 1 must be a text, and is a truth value"
                    "line 3: target '-' has no 'bucket'"
                    "line 3: target '-': The region"
                    "line 6: 'keyPrefix' of target 1 must be a text"
                ]
                // The keys of other kinds are theirs.
                map 3 [
                    "name", plain 3 "x"
                    "kind", plain 4 "http"
                    "bucket", map 5 []
                    "region", plain 6 "1"
                ],
                []
            ]
            (fun (node, expected) -> read (exporting [ node ]) |> starts expected)
            (fun _ -> [])

        testCase "all of it at once, in the order of the spec" (fun () ->
            let node =
                map 1 [
                    "export",
                    map 1 [
                        "artifacts",
                        list 20 [
                            plain 21 "x"
                            map 22 [
                                "name", plain 22 "1"
                                "path", plain 23 ".."
                                "target", plain 24 "nobody"
                            ]
                            map 25 [ "name", plain 25 "ok"; "path", plain 26 "ok"; "target", plain 27 "a" ]
                        ]
                        "targets", list 2 [ target 3 []; plain 4 "~"; target 5 [ "region", plain 6 "1" ] ]
                    ]
                ]

            Expect.equal
                (read node
                 |> starts [
                     "line 4: target 2 must be a mapping, and is empty"
                     "line 6: 'region' of target 3"
                     "line 5: There are two targets 'a'"
                     "line 21: artifact 1 must be a mapping"
                     "line 22: 'name' of artifact 2 must be a text"
                     "line 22: artifact 2: The path '..'"
                 ])
                []
                "the targets first; of a target without a name nothing follows")

        testCase "artifacts" (fun () ->
            let node =
                map 1 [
                    "export",
                    map 1 [
                        "targets", list 2 [ target 3 [] ]
                        "artifacts",
                        list 4 [
                            map 5 [ "name", plain 5 "logs/x"; "path", quoted 6 "1"; "other", list 7 [] ]
                        ]
                    ]
                ]

            let spec = Expect.wantOk (SpecReader.read node) "it reads"

            Expect.equal
                (spec.Artifacts
                 |> List.map (fun item ->
                     ArtifactName.value item.Name, item.Path, TargetName.value item.Target, item.Line))
                [ "logs/x", "1", "a", Some 5 ]
                "one")
    ]

let private keys = [
    "export"
    "spec"
    "targets"
    "artifacts"
    "name"
    "kind"
    "targetKind"
    "bucket"
    "region"
    "keyPrefix"
    "key_prefix"
    "path"
    "target"
]

/// Any document, and the secrets in it: mostly of the right shape, with anything in any place.
let private document =
    let rec node depth : Gen<Hostile<SpecNode>> =
        gen {
            let! line = Gen.choose (1, 99)

            let scalar =
                gen {
                    let! value =
                        Gen.frequency [
                            4, mostly [ "s3"; "http"; "a"; "b"; "1"; "~"; "true"; "us-west-2" ]
                            1, pasted
                        ]

                    let! isPlain = Gen.elements [ true; false ]
                    let text = if isNull (box value.Url) then "" else value.Url

                    return {
                        Value = SpecNode.Scalar(line, text, isPlain)
                        Secrets = value.Secrets
                    }
                }

            if depth = 0 then
                return! scalar
            else
                let! count = Gen.choose (0, 5)
                let! items = Gen.listOfLength count (node (depth - 1))
                let secrets = items |> List.collect _.Secrets

                let mapping =
                    gen {
                        let! names =
                            Gen.listOfLength count (Gen.frequency [ 6, Gen.elements keys; 1, anyText ])

                        let entries =
                            List.map2 (fun name item -> struct (name, item.Value)) names items
                            |> Array.ofList

                        return {
                            Value = SpecNode.Mapping(line, entries)
                            Secrets = secrets
                        }
                    }

                return!
                    Gen.frequency [
                        1, scalar
                        2,
                        Gen.constant {
                            Value = SpecNode.Sequence(line, items |> List.map _.Value |> Array.ofList)
                            Secrets = secrets
                        }
                        4, mapping
                    ]
        }

    let shaped =
        gen {
            let! targets = Gen.listOf (node 1) |> Gen.resize 4
            let! artifacts = Gen.listOf (node 1) |> Gen.resize 4

            return {
                Value =
                    map 1 [
                        "export",
                        map 2 [
                            "targets", list 3 (targets |> List.map _.Value)
                            "artifacts", list 4 (artifacts |> List.map _.Value)
                        ]
                    ]
                Secrets = (targets @ artifacts) |> List.collect _.Secrets
            }
        }

    Gen.frequency [ 1, Gen.choose (0, 4) |> Gen.bind node; 2, shaped ]

[<Tests>]
let anyDocument =
    testList "SpecReader hostile" [
        propertyTimes
            500
            "any document is read or refused, with lines and without secrets"
            document
            (fun document ->
                match SpecReader.read document.Value with
                | Ok _ -> ()
                | Error problems ->
                    Expect.isFalse problems.IsEmpty "something is told"
                    Expect.isEmpty (everyWay problems |> List.collect (holds document.Secrets)) "no secret"

                    for problem in problems do
                        Expect.isTrue problem.Line.IsSome "the line"
                        Expect.isFalse (problem.Message |> Seq.exists Char.IsControl) "one line of text")

        testCase "a document that is very deep is no trouble" (fun () ->
            let deep =
                Seq.fold (fun node _ -> SpecNode.Sequence(1, [| node |])) (plain 1 "x") (seq { 1..100_000 })

            let problems =
                read (
                    exporting [ target 3 [ "bucket2", deep ]; map 4 [ "name", deep; "kind", plain 4 "s3" ] ]
                )

            Expect.equal (problems.Length) 2 "the name is a list, the bucket is missing")
    ]
