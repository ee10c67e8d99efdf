module CellOS.Export.S3.Core.Tests.HostConfigurationTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private entry (key: string) (value: string | null) = KeyValuePair(key, value)

let private variables (entries: (string * string) list) =
    HostConfiguration.variables [ for key, value in entries -> entry key value ]
    |> Seq.map (fun pair -> pair.Key, nonNull pair.Value)
    |> Seq.sortBy fst
    |> List.ofSeq

/// The entries that a host makes of targets and artifacts.
let private flatten (targets: SpecTarget list) (artifacts: SpecArtifact list) =
    let fields prefix values = [
        for name, value in values do
            match (value: string | null) with
            | null -> ()
            | value -> $"{prefix}:{name}", value
    ]

    [
        for index, target in List.indexed targets do
            yield!
                fields $"targets:{index}" [
                    "name", target.Name
                    "kind", target.Kind
                    "bucket", target.Bucket
                    "region", target.Region
                    "keyPrefix", target.KeyPrefix
                ]
        for index, artifact in List.indexed artifacts do
            yield!
                fields $"artifacts:{index}" [
                    "name", artifact.Name
                    "path", artifact.Path
                    "target", artifact.Target
                ]
    ]

let private comeTo (read: Result<CellSpec, ConfigProblem list>) =
    match read with
    | Ok spec -> Ok(spec.Targets, spec.Others, spec.Artifacts)
    | Error problems -> Error(problems |> List.map _.Message)

/// Any order, and any case of the keys.
let private asHostsSee (entries: (string * string) list) =
    gen {
        let! shuffled = Gen.shuffle (Array.ofList entries)

        let! cases =
            Gen.listOfLength
                shuffled.Length
                (Gen.elements [
                    id
                    (fun (key: string) -> key.ToUpperInvariant())
                    (fun key -> key.ToLowerInvariant())
                ])

        return [
            for (key, value), case in Seq.zip shuffled cases do
                // Sections have entries of their own, without a value.
                entry (case (key.Substring(0, key.LastIndexOf ':'))) null
                entry (case key) value
        ]
    }

let private specs =
    gen {
        let! draft = unchecked
        let targets, artifacts = draft.Value
        let targets = [ for target in targets -> { target with Line = None } ]
        let artifacts = [ for artifact in artifacts -> { artifact with Line = None } ]
        // A target or an artifact of which nothing is given is not there at all, and no name can be told by it.
        let! entries = asHostsSee (flatten targets artifacts)
        return targets, artifacts, entries
    }

[<Tests>]
let tests =
    testList "HostConfiguration" [
        property "a spec in a host's configuration is the spec" specs (fun (targets, artifacts, entries) ->
            Expect.equal
                (comeTo (HostConfiguration.spec entries))
                (comeTo (CellSpec.create targets artifacts))
                "the same targets and artifacts, or the same problems")

        table
            "what is no spec is refused"
            [
                [], "no targets"
                [ "targets", "" ], "no targets"
                [ "targets", "s3" ], "must be a list"
                [ "targets:a", "s3" ], "must be a list"
                [ "targets:0", "s3" ], "must be a mapping"
                [ "targets:0:name", "a"; "targets:0:kind", "s3" ], "target 'a' has no 'bucket'"
                [ "targets:0:bucket:0", "a" ], "must be a text, and is a list"
                [ "targets:0:keyPrefix", "a"; "targets:0:key_prefix", "a" ], "Keep one of them"
            ]
            (fun (entries, words) ->
                match HostConfiguration.spec [ for key, value in entries -> entry key value ] with
                | Ok _ -> false
                | Error problems -> problems |> List.exists (fun problem -> problem.Message.Contains words))
            (fun _ -> true)

        testCase "items are in the order of their numbers" (fun () ->
            let entries = [
                for number in [ 10; 2; 0; 1; 9; 8; 7; 6; 5; 4; 3 ] do
                    entry $"targets:{number}:name" $"t{number}"
                    entry $"targets:{number}:kind" "s3"
                    entry $"targets:{number}:bucket" "b"
            ]

            let spec = Expect.wantOk (HostConfiguration.spec entries) "a spec"

            Expect.equal
                [ for target in spec.Targets -> TargetName.value target.Name ]
                [ for n in 0..10 -> $"t{n}" ]
                "0 to 10")

        table
            "a variable has its name in the environment"
            [
                [ "CELLOS_STRICT_CONFIG", "1" ], [ "CELLOS_STRICT_CONFIG", "1" ]
                [ "cellos_strict_config", "1" ], [ "CELLOS_STRICT_CONFIG", "1" ]
                [ "CELLOS_EXPORT_S3_REGION:A", "r" ], [ "CELLOS_EXPORT_S3_REGION__A", "r" ]
                [ "CELLOS_EXPORT_S3_REGION__A", "r" ], [ "CELLOS_EXPORT_S3_REGION__A", "r" ]
                [ "CELLOS_EXPORT_S3_REGION:artifact-bucket", "r" ],
                [ "CELLOS_EXPORT_S3_REGION__ARTIFACT_BUCKET", "r" ]
                [ "CELLOS_EXPORT_S3_REGION:b.1", "r" ], [ "CELLOS_EXPORT_S3_REGION__B_1", "r" ]
                [ "PATH", "x"; "EXPORT:CELLOS_X", "x"; "CELLOS", "x" ], []
                [ "CELLOS_EXPORT_S3_REGION:a-b", "s"; "CELLOS_EXPORT_S3_REGION:A_B", "r" ],
                [ "CELLOS_EXPORT_S3_REGION__A_B", "r" ]
                [ "cellos_export_s3_region:a_b", "r"; "CELLOS_EXPORT_S3_REGION:A-B", "s" ],
                [ "CELLOS_EXPORT_S3_REGION__A_B", "r" ]
                [ "CELLOS_EXPORT_S3_REGION__A_B", "s"; "CELLOS_EXPORT_S3_REGION:a-b", "r" ],
                [ "CELLOS_EXPORT_S3_REGION__A_B", "r" ]
                // A URL where a name should be: an unknown variable is told by its name.
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL:https://h/x?X-Amz-Signature=5ec12e7", "" ],
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__HTTPS____H_X", "" ]
                // That of the environment, whatever comes first.
                [ "CELLOS_EXPORT_S3_REGION:A", "r"; "CELLOS_EXPORT_S3_REGION__A", "s" ],
                [ "CELLOS_EXPORT_S3_REGION__A", "r" ]
                [ "CELLOS_EXPORT_S3_REGION__A", "s"; "CELLOS_EXPORT_S3_REGION:A", "r" ],
                [ "CELLOS_EXPORT_S3_REGION__A", "r" ]
            ]
            (fst >> variables)
            snd

        testCase "an entry without a value is no variable" (fun () ->
            Expect.isEmpty (HostConfiguration.variables [ entry "CELLOS_EXPORT_S3_REGION" null ]) "a section")

        property
            "a variable of a target is found under the target's own name, and as the environment gives it"
            (Gen.zip
                (Gen.elements (Variable.all |> List.filter _.PerTarget))
                CellOS.Export.S3.Generators.Names.targetName)
            (fun (row, target) ->
                let name = Variable.forTarget target row.Name

                for path in
                    [
                        name
                        row.Name.Substring(0, row.Name.Length - 2) + ":" + TargetName.value target
                        // What Microsoft.Extensions.Configuration makes of a variable's name.
                        name.Replace("__", ":")
                    ] do
                    Expect.equal (variables [ path, "x" ]) [ name, "x" ] path)
    ]
