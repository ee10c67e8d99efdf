module CellOS.Export.S3.Core.Tests.ShardTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private name (text: string) =
    Expect.wantOk (ArtifactName.create text) "a name"

let private shard index count =
    Expect.wantOk (Shard.create index count) "a shard"

/// The one shard of so many that an artifact belongs to.
let private indexIn (count: int) (artifact: string) =
    match
        [
            for index in 0 .. count - 1 do
                if Shard.contains (name artifact) (shard index count) then
                    index
        ]
    with
    | [ index ] -> index
    | indices -> failtest $"'{artifact}' is in %A{indices}"

/// The variable as it is where nothing sets it.
let private unset: string | null = null

let private set (value: string) : string | null = value

let private parsed (completionIndex: string | null) (text: string) =
    match Shard.parse completionIndex text with
    | Ok shard -> string shard
    | Error refusal -> refusal.Message

let private variable = suffixed Variable.PresignedUrlsFile "artifact-bucket"

/// Of half an hour ago, for a day.
let private valid =
    let date = noon.AddMinutes(-30.0).ToString "yyyyMMdd'T'HHmmss'Z'"

    "https://my-cellos-evidence.s3.us-west-2.amazonaws.com/cell-7/NAME?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F"
    + date.Substring(0, 8)
    + "%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date="
    + date
    + "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
    + String('a', 64)

let private expired = valid.Replace("X-Amz-Date=20", "X-Amz-Date=19")

/// What a shard's manifest has against it; the entries are names and URLs.
let private resolved (shard: Shard option) (artifacts: string list) (entries: (string * string) list) =
    let spec =
        specOf
            [
                {
                    s3 "artifact-bucket" with
                        Bucket = "my-cellos-evidence"
                }
            ]
            (List.map listed artifacts)

    let spec =
        match shard with
        | Some shard -> CellSpec.ofShard shard spec
        | None -> spec

    let context = contextOf [ variable, "urls.json" ]

    let manifest =
        entries
        |> List.map (fun (name, url: string) -> "\"" + name + "\": \"" + url.Replace("NAME", name) + "\"")
        |> String.concat ","

    Settings.resolve context spec
    |> Settings.withManifest
        context
        spec
        (nameOf "artifact-bucket")
        (UrlManifest.parse ("{" + manifest + "}"))

let private ids (resolution: Resolution) = [
    for problem in resolution.Problems do
        "problem: " + problem.Text
    for finding in resolution.Findings do
        if finding.Severity <> Severity.Advice || finding.Id = FindingId.ManifestUnused then
            finding.Id
]

[<Tests>]
let tests =
    testList "Shard" [
        // python3: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % n
        table
            "has the artifacts that Python's hashlib assigns to it"
            [
                "report.json", 1, 0
                "report.json", 2, 1
                "report.json", 3, 2
                "report.json", 8, 5
                "report.json", 1000, 221
                "logs/stdout.txt", 2, 0
                "logs/stdout.txt", 3, 1
                "logs/stdout.txt", 8, 6
                "logs/stdout.txt", 1000, 486
                "a", 2, 0
                "a", 3, 1
                "a", 8, 2
                "a", 1000, 250
                "ä/日本.txt", 2, 1
                "ä/日本.txt", 3, 0
                "ä/日本.txt", 8, 3
                "ä/日本.txt", 1000, 587
                "attestations/build 1.json", 2, 1
                "attestations/build 1.json", 3, 1
                "attestations/build 1.json", 8, 1
                "attestations/build 1.json", 1000, 697
            ]
            (fun (artifact, count, _) -> indexIn count artifact)
            (fun (_, _, index) -> index)

        testCase "has the artifacts of a foreign program at the largest N" (fun () ->
            for artifact, index in
                [
                    "report.json", 1557904983
                    "logs/stdout.txt", 1133873526
                    "a", 1598734322
                    "ä/日本.txt", 1731030423
                    "attestations/build 1.json", 273252499
                ] do
                let contains index =
                    Shard.contains (name artifact) (shard index Int32.MaxValue)

                Expect.isTrue (contains index) artifact
                Expect.isFalse (contains (index - 1)) artifact)

        property
            "the shards of any list are disjoint and complete, for every N"
            (Gen.zip (Gen.listOf Names.artifactName) (Gen.choose (1, 40)))
            (fun (names, count) ->
                let parts = [
                    for index in 0 .. count - 1 ->
                        names |> List.filter (fun name -> Shard.contains name (shard index count))
                ]

                Expect.equal
                    (parts |> List.concat |> List.map ArtifactName.value |> List.sort)
                    (names |> List.map ArtifactName.value |> List.sort)
                    "each artifact is in one shard, as often as in the list")

        property
            "the shards of a spec are disjoint and complete"
            (Gen.zip (Gen.listOf Names.artifactName) (Gen.choose (1, 12)))
            (fun (names, count) ->
                // A name of blanks is left out of a spec.
                let names =
                    names
                    |> List.map ArtifactName.value
                    |> List.distinct
                    |> List.filter (String.IsNullOrWhiteSpace >> not)

                let spec =
                    specOf [ s3 "a" ] [ for name in names -> { listed name with Path = "p" } ]

                let namesIn (artifacts: S3Artifact list) = [
                    for artifact in artifacts -> ArtifactName.value artifact.Name
                ]

                let shards = [ for index in 0 .. count - 1 -> spec |> CellSpec.ofShard (shard index count) ]

                Expect.equal
                    (shards |> List.collect (fun spec -> namesIn spec.Artifacts) |> List.sort)
                    (List.sort names)
                    "complete, and none twice")

        table
            "is parsed from I/N, and from /N with the index of an Indexed Job"
            [
                unset, "0/1", "0/1"
                unset, "2/8", "2/8"
                unset, "007/008", "7/8"
                set "5", "2/8", "2/8"
                set "junk", "2/8", "2/8"
                set "5", "/8", "5/8"
                set "0", "/2147483647", "0/2147483647"
            ]
            (fun (index, text, _) -> parsed index text)
            (fun (_, _, expected) -> expected)

        testCase "refuses what is not a shard, and says what to give" (fun () ->
            let form =
                "Give I/N, such as 2/8: N is 1 or more, and I is at least 0 and less than N."

            for index, text, message in
                [
                    unset, "8/8", $"The shard has the index 8, and the indices of 8 begin with 0. {form}"
                    unset, "0/0", $"The shard is one of 0. {form}"
                    unset, "2", $"The shard is '2'. {form}"
                    unset, "", $"The shard is ''. {form}"
                    unset, "1/2/3", $"The shard is '1/2/3'. {form}"
                    unset, "-1/8", $"The shard is '-1/8'. {form}"
                    unset, " 1/8", $"The shard is ' 1/8'. {form}"
                    unset, "+1/8", $"The shard is '+1/8'. {form}"
                    unset, "1/", $"The shard is '1/'. {form}"
                    unset, "/", $"The shard is '/'. {form}"
                    unset, "1/99999999999", $"The shard is '1/99999999999'. {form}"
                    unset,
                    "/8",
                    "The shard is given as /N, and JOB_COMPLETION_INDEX, which has its index, is not set. Run it in a Kubernetes Indexed Job, or give I/N, such as 2/8."
                    set " ",
                    "/8",
                    "The shard is given as /N, and JOB_COMPLETION_INDEX, which has its index, is not set. Run it in a Kubernetes Indexed Job, or give I/N, such as 2/8."
                    set "x",
                    "/8",
                    "The JOB_COMPLETION_INDEX is 'x', not a whole number from 0. Correct it, or give the shard as I/N, such as 2/8."
                    set "8", "/8", $"The shard has the index 8, and the indices of 8 begin with 0. {form}"
                ] do
                Expect.equal (parsed index text) message text)

        // Of 3, 'a' and 'logs/stdout.txt' are in shard 1, 'report.json' is in shard 2, and shard 0 is empty.
        testCase
            "a manifest has to have the URLs of the shard, and those of others are not looked at"
            (fun () ->
                let all = [ "a"; "logs/stdout.txt"; "report.json" ]
                let one = Some(shard 1 3)

                Expect.equal
                    (ids (resolved None all [ "a", valid; "logs/stdout.txt", valid ]))
                    [ FindingId.ManifestLacks ]
                    "without shards"

                Expect.equal
                    (ids (resolved one all [ "a", valid; "logs/stdout.txt", valid ]))
                    []
                    "of the shard"

                Expect.equal
                    (ids (resolved one all [ "a", valid; "logs/stdout.txt", valid; "report.json", expired ]))
                    []
                    "expired for another shard"

                Expect.equal
                    (ids (resolved one all [ "a", valid; "report.json", valid ]))
                    [ FindingId.ManifestLacks ]
                    "one is missing"

                Expect.hasLength
                    (resolved one all [ "report.json", valid ]).Problems
                    1
                    "all of the shard are missing"

                // 'b' is in shard 1, too.
                Expect.equal
                    (ids (resolved one all [ "a", valid; "logs/stdout.txt", valid; "b", valid ]))
                    [ FindingId.ManifestUnused ]
                    "an unused one of the shard"

                Expect.equal
                    (ids (resolved (Some(shard 2 3)) all [ "report.json", valid; "b", valid ]))
                    []
                    "an unused one of another shard")

        testCase "a shard without artifacts needs no URL" (fun () ->
            let all = [ "a"; "logs/stdout.txt"; "report.json" ]

            for entries in [ []; [ "report.json", expired ]; [ "a", valid ] ] do
                Expect.equal (ids (resolved (Some(shard 0 3)) all entries)) [] "nothing")

        testCase "a URL that names one object is not for two artifacts, also of different shards" (fun () ->
            let spec = specOf [ s3 "one" ] [ listed "a"; listed "report.json" ]

            let found index =
                Settings.resolve
                    (contextOf [ suffixed Variable.PresignedUrl "one", "https://gateway.example/upload" ])
                    (CellSpec.ofShard (shard index 3) spec)
                |> ids

            for index in 0..2 do
                Expect.contains (found index) FindingId.ExactUrlManyArtifacts $"shard {index}")
    ]
