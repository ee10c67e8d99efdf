/// Specs in YAML: what is read, and what is refused where.
module Facade.Tests.SpecTests

open System
open System.IO
open CellOS.Export
open CellOS.Export.S3
open Expecto
open FsCheck
open FsCheck.FSharp
open Microsoft.Extensions.DependencyInjection
open Microsoft.Extensions.Options
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let private full =
    """# A cell.
apiVersion: 1
spec:
  image: x
  export:
    retention: 7y
    targets:
      - &a
        name: artifact-bucket
        targetKind: s3
        bucket: "my-cellos-evidence"
        region: us-west-2
        keyPrefix: audit/2026
      - <<: *a
        name: second
        bucket: other
      - {name: by-http, kind: http, baseUrl: https://example.invalid}
    artifacts:
      - name: logs/stdout.txt
        path: ./out/stdout.txt
        target: artifact-bucket
      - {name: "7", path: out/7, target: second}
      - {name: x, path: x, target: by-http}
"""

/// YAML, what of the message tells it, and the line.
let private broken = [
    "", "is empty", 1
    "# nothing\n", "is empty", 1
    "a: 1\n", "no 'export'", 1
    "export:\n", "must be a mapping", 1
    "export: 5\n", "a number", 1
    "export: {}\n", "no targets", 1
    "export:\n  targets: []\n", "no targets", 2
    "export:\n  targets: s3\n", "must be a list", 2
    "export:\n  targets:\n    - name: a\n      kind: s3\n", "no 'bucket'", 3
    "export:\n  targets:\n    - name: a\n      bucket: b\n", "no 'kind'", 3
    "export:\n  targets:\n    - name: a\n      kind: s3\n      bucket: [b]\n", "a list", 5
    "export:\n  targets:\n    - name: a\n      kind: s3\n      bucket: 2026\n", "a number", 5
    "export:\n  targets:\n    - name: a\n      kind: s3\n      bucket: yes\n      region: true\n",
    "a truth value",
    6
    "export:\n  targets:\n    - a\n", "must be a mapping", 3
    "export:\n  targets:\n    - {name: a, kind: s3, bucket: b}\n    - {name: a, kind: s3, bucket: c}\n",
    "two targets 'a'",
    4
    "export:\n  targets:\n    - {name: a-b, kind: s3, bucket: b}\n    - {name: a_b, kind: s3, bucket: c}\n",
    "'a-b' and 'a_b'",
    4
    "export:\n  targets: [\n", "not valid YAML", 3
    "export:\n  targets: a: b\n", "not valid YAML at column 13. Correct it", 2
    "export:\n  targets: [a}\n", "not valid YAML at column 14, where ',' or ']' is expected", 2
    "export:\n\ttargets: 1\n", "a tab", 2
    "export:\n  targets:\n\t- name: a\n\t  kind: s3\n", "a tab", 3
    "export:\n  targets:\n    - name: a\n\t  kind: s3\n      bucket: b\n", "a tab", 4
    "export:\n  targets:\n    - name: a\n      kind: s3\n  \t  bucket: b\n", "a tab", 5
    "\texport:\n\t\ttargets: []\n", "a tab", 1
    "a: *b\n", "anchor", 1
    "a: &a [*a]\n", "anchor", 1
    "export:\n  targets: []\nexport: 1\n", "twice", 3
    "--- 1\n--- 2\n", "second document", 2
    String.replicate 100 "[" + String.replicate 100 "]", "64 levels", 1
]

[<Tests>]
let tests =
    testList "a spec" [
        testCase "is read from YAML, at the root or below spec" (fun () ->
            let spec = S3ExportSpec.Parse full

            let targets =
                spec.Targets |> Seq.map (fun t -> t.Name, t.Bucket, t.Region, t.KeyPrefix)

            Expect.sequenceEqual
                targets
                [
                    "artifact-bucket", "my-cellos-evidence", "us-west-2", "audit/2026"
                    "second", "other", "us-west-2", "audit/2026"
                ]
                "the S3 targets, the second with a merge key"

            Expect.sequenceEqual
                (spec.OtherTargets |> Seq.map (fun t -> t.Name, t.Kind))
                [ "by-http", "http" ]
                "the other one"

            Expect.sequenceEqual
                (spec.Artifacts |> Seq.map (fun a -> a.Name, a.Path, a.Target))
                [
                    "logs/stdout.txt", "out/stdout.txt", "artifact-bucket"
                    "7", "out/7", "second"
                ]
                "the artifacts for S3")

        testCase "is the same in JSON" (fun () ->
            let json =
                """{"export": {"targets": [{"name": "a", "kind": "s3", "bucket": "b", "key_prefix": "/p/"}]}}"""

            let target = Seq.exactlyOne (S3ExportSpec.Parse json).Targets
            Expect.equal target (S3ExportTarget(Name = "a", Bucket = "b", KeyPrefix = "p")) "the target")

        testCase "has the cell id of the family's form, in YAML, in JSON and in code" (fun () ->
            let yaml =
                "apiVersion: cellos.io/v1\nkind: ExecutionCell\nspec:\n  id: cell-7\n  export:\n    targets: [{name: a, kind: s3, bucket: b}]\n    artifacts: [{name: x, path: /cell/x}]\n"

            let json =
                """{"spec": {"id": "cell-7", "export": {"targets": [{"name": "a", "kind": "s3", "bucket": "b"}], "artifacts": [{"name": "x", "path": "/cell/x"}]}}}"""

            let target = S3ExportTarget(Name = "a", Bucket = "b")
            let artifact = S3ExportSpecArtifact(Name = "x", Path = "/cell/x", Target = "a")

            for spec in
                [
                    S3ExportSpec.Parse yaml
                    S3ExportSpec.Parse json
                    S3ExportSpec.Create([ target ], [ artifact ], "cell-7")
                ] do
                Expect.equal spec.Id "cell-7" "the id"

                Expect.sequenceEqual
                    (spec.Artifacts |> Seq.map (fun a -> a.Name, a.Path, a.Target))
                    [ "x", "/cell/x", "a" ]
                    "the artifact, for the only target"

            Expect.isNull (S3ExportSpec.Create([ target ])).Id "none"

            let refusal =
                refusalOf (fun () -> S3ExportSpec.Create([ target; target ], [ artifact ], "a/b"))

            Expect.equal refusal.Problems.Count 2 "the id, and the target that is there twice"

            let refusal =
                refusalOf (fun () -> S3ExportSpec.Parse(yaml.Replace("cell-7", "a/b"), "cell.yaml"))

            Expect.stringStarts
                ((Seq.exactlyOne refusal.Problems).ToString())
                "cell.yaml:4: 'id' of 'spec': The cell id holds a '/'"
                "file and line")

        testCase "gives its cell id to the sinks, and refuses another one" (fun () ->
            let spec =
                S3ExportSpec.Create([ S3ExportTarget(Name = "a", Bucket = "b") ], null, "cell-7")

            let variables =
                environment [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__A", "https://gw.example/{cell_id}/{artifact_name}"
                ]

            let destination (sinks: S3ExportSinks) =
                use sinks = sinks
                sinks["a"].DestinationHint "x"

            Expect.equal
                (destination (S3ExportSinks.Create(spec, environment = variables)))
                "s3://b/cell-7/x"
                "its own"

            Expect.equal
                (destination (S3ExportSinks.Create(spec, "cell-7", variables)))
                "s3://b/cell-7/x"
                "the same one"

            let configuration = S3ExportConfiguration.Resolve(spec, environment = variables)

            Expect.equal
                (destination (S3ExportSinks.Create configuration))
                "s3://b/cell-7/x"
                "of a configuration"

            let services = ServiceCollection()
            services.AddS3ExportSinks(spec, environment = variables) |> ignore
            use provider = services.BuildServiceProvider()

            Expect.equal
                (let sinks = provider.GetRequiredService<S3ExportSinks>()
                 sinks["a"].DestinationHint "x")
                "s3://b/cell-7/x"
                "in a host"

            for create in
                [
                    fun () -> S3ExportSinks.Create(spec, "cell-8", variables) |> ignore
                    fun () ->
                        let services = ServiceCollection()
                        services.AddS3ExportSinks(spec, "cell-8", variables) |> ignore
                        use provider = services.BuildServiceProvider()

                        try
                            provider.GetRequiredService<S3ExportSinks>() |> ignore
                        with :? OptionsValidationException as refused ->
                            raise (
                                S3ExportConfigurationException [ S3ExportProblem(Text = refused.Message) ]
                            )
                ] do
                let refusal = refusalOf create
                Expect.stringContains refusal.Message "'cell-7'" "the spec's"
                Expect.stringContains refusal.Message "'cell-8'" "the given one"

            let without = S3ExportSpec.Create [ S3ExportTarget(Name = "a", Bucket = "b") ]

            for create in
                [
                    fun () -> S3ExportSinks.Create(without, environment = variables) |> ignore
                    fun () -> ServiceCollection().AddS3ExportSinks without |> ignore
                ] do
                Expect.throwsT<ArgumentException> create "no cell")

        testCase "has paths below a folder, which may be absolute" (fun () ->
            let folder = Directory.CreateTempSubdirectory("cellos-spec-").FullName

            try
                let real = Directory.CreateDirectory(Path.Join(folder, "real")).FullName
                let link = Path.Join(folder, "link")
                Directory.CreateSymbolicLink(link, real) |> ignore

                let spec (path: string) =
                    S3ExportSpec.Create(
                        [ S3ExportTarget(Name = "a", Bucket = "b") ],
                        [ S3ExportSpecArtifact(Name = "x", Path = path) ]
                    )

                let below (root: string) (path: string) =
                    use root = ExportRoot.Open root
                    (Seq.exactlyOne ((spec path).Below root).Artifacts).Path

                Expect.equal (below real $"{real}/out/x") "out/x" "the folder"
                Expect.equal (below real "out/x") "out/x" "relative"
                Expect.equal (below $"{real}/" $"{real}/out/x") "out/x" "with a slash"

                if OperatingSystem.IsLinux() then
                    Expect.equal (below link $"{link}/x") "x" "by the link"
                    Expect.equal (below link $"{real}/x") "x" "without it"
                    Expect.equal (below $"{link}/../real" $"{real}/x") "x" "by '..', as the system sees it"

                for root, path in [ real, $"{folder}/x"; real, $"{link}/x"; real, $"{real}x/y"; real, real ] do
                    let refusal = refusalOf (fun () -> below root path |> ignore)
                    Expect.stringContains refusal.Message "artifact 'x': The path" path
            finally
                Directory.Delete(folder, true))

        testCase "that is wrong says what and where" (fun () ->
            for yaml, what, line in broken do
                let refusal = refusalOf (fun () -> S3ExportSpec.Parse(yaml, "cell.yaml"))
                let found = refusal.Problems |> Seq.tryFind (fun p -> p.ToString().Contains what)

                let problem =
                    Expect.wantSome found $"'{what}' is told of:\n{yaml}\nbut:\n{refusal.Message}"

                Expect.stringStarts (string problem) $"cell.yaml:{line}: " yaml)

        testCase "that is wrong in several places says all of it" (fun () ->
            let refusal =
                refusalOf (fun () ->
                    S3ExportSpec.Create [
                        S3ExportTarget(Name = "a b", Bucket = "b")
                        S3ExportTarget(Name = "c", Bucket = "")
                        S3ExportTarget(Name = "d", Bucket = "b", Region = "no region")
                        S3ExportTarget(Name = "d", Bucket = "b")
                    ])

            Expect.hasLength refusal.Problems 4 refusal.Message)

        testCase "is read from a file, and a file that cannot be read is told" (fun () ->
            use folder = new Folder()
            let bom = Array.append [| 0xEFuy; 0xBBuy; 0xBFuy |]
            let path = folder.Write("cell.yaml", bom (Text.Encoding.UTF8.GetBytes seedSpec))
            Expect.hasLength (S3ExportSpec.Load path).Targets 1 "a target"
            let missing = refusalOf (fun () -> S3ExportSpec.Load(folder.At "none.yaml"))
            Expect.stringContains missing.Message "none.yaml" "the file"
            Expect.isFalse (missing.Message.Contains ".)") "no sentence ends twice"
            let folderItself = refusalOf (fun () -> S3ExportSpec.Load folder.Path)
            Expect.stringContains folderItself.Message "cannot be read" "a folder"
            let latin = folder.Write("latin.yaml", [| byte 'a'; 0xE4uy |])
            let encoding = refusalOf (fun () -> S3ExportSpec.Load latin)
            Expect.stringContains encoding.Message "UTF-8" "the encoding"

            for isBigEndian in [ false; true ] do
                for mark in [ true; false ] do
                    let utf16 = Text.UnicodeEncoding(isBigEndian, mark)

                    let wide =
                        folder.Write(
                            "wide.yaml",
                            Array.append (utf16.GetPreamble()) (utf16.GetBytes seedSpec)
                        )

                    let encoding = refusalOf (fun () -> S3ExportSpec.Load wide)

                    Expect.stringContains
                        encoding.Message
                        "The file is UTF-16 text. Save it as UTF-8"
                        $"PowerShell's; big-endian: {isBigEndian}, with a mark: {mark}"

            let large = folder.Write("large.yaml", Array.create ((4 <<< 20) + 1) (byte ' '))
            let size = refusalOf (fun () -> S3ExportSpec.Load large)
            Expect.stringContains size.Message "larger" "the size")

        testCase "narrowed to one target has that and its artifacts" (fun () ->
            let spec = (S3ExportSpec.Parse full).Only "second"
            Expect.sequenceEqual (spec.Targets |> Seq.map _.Name) [ "second" ] "the target"
            Expect.sequenceEqual (spec.Artifacts |> Seq.map _.Name) [ "7" ] "its artifact"
            let unknown = refusalOf (fun () -> (S3ExportSpec.Parse full).Only "none")
            Expect.stringContains unknown.Message "'artifact-bucket', 'second'" "those that there are"
            let other = refusalOf (fun () -> (S3ExportSpec.Parse full).Only "by-http")
            Expect.stringContains other.Message "'http'" "its kind")

        testCase "of aliases within aliases costs no more than its text" (fun () ->
            let levels =
                [ 1..60 ]
                |> List.map (fun i ->
                    $"a{i}: &a{i} [" + String.Join(",", List.replicate 9 $"*a{i - 1}") + "]\n")
                |> String.concat ""

            let refusal = refusalOf (fun () -> S3ExportSpec.Parse("a0: &a0 [x]\n" + levels))
            Expect.stringContains refusal.Message "no 'export'" "it was read")

        testCase "of merge keys or references without end is refused before it fills the memory" (fun () ->
            let keys = [ for i in 1..20000 -> $"  k{i}: 1\n" ] |> String.concat ""
            let merges = String.replicate 20000 "- <<: *a\n"
            let merged = refusalOf (fun () -> S3ExportSpec.Parse($"a: &a\n{keys}b:\n{merges}"))
            Expect.stringContains merged.Message "merges more than" "merge keys"

            let targets = String.replicate 200_000 "  - *a\n"

            let referred =
                refusalOf (fun () -> S3ExportSpec.Parse($"a: &a {{ x: 1 }}\nexport:\n  targets:\n{targets}"))

            Expect.hasLength referred.Problems 1 "one problem"
            Expect.stringContains referred.Message "refers to anchors more than" "references")

        for name, yaml, line, said in
            [
                "a list as a key below 'export'",
                "  ? [artifacts]\n  : [{name: b, path: b}]\n",
                7,
                "A key is a list or a mapping"
                "a mapping as a key below 'export'",
                "  ? {artifacts: x}\n  : [{name: b, path: b}]\n",
                7,
                "A key is a list or a mapping"
                "a list as a key of an artifact",
                "  artifacts:\n    - {name: b, ? [path] : b}\n",
                8,
                "A key is a list or a mapping"
                "a list as a key at the root",
                "? [export]\n: {artifacts: [{name: b, path: b}]}\n",
                7,
                "A key is a list or a mapping"
                "a text merged", "  <<: nothing\n", 7, "'<<' merges neither a mapping nor a list of mappings"
                "an empty value merged", "  <<:\n", 7, "'<<' merges neither a mapping nor a list of mappings"
                "a list within a list merged",
                "  <<: [[{artifacts: [{name: b, path: b}]}]]\n",
                7,
                "'<<' merges neither a mapping nor a list of mappings"
                "a list with a text merged",
                "  <<: [{artifacts: [{name: b, path: b}]}, text]\n",
                7,
                "'<<' merges neither a mapping nor a list of mappings"
                "a text merged into an artifact",
                "  artifacts:\n    - {<<: x, name: b, path: b}\n",
                8,
                "'<<' merges neither a mapping nor a list of mappings"
                "two merges in one mapping",
                "  <<: {artifacts: [{name: b, path: b}]}\n  <<: {artifacts: [{name: c, path: c}]}\n",
                8,
                "'<<' appears twice in one mapping"
                "two merges in an artifact",
                "  artifacts:\n    - {<<: {name: b}, <<: {path: b}}\n",
                8,
                "'<<' appears twice in one mapping"
                "merged artifacts that another merge overrides",
                "  <<:\n    - artifacts: [{name: b, path: b}]\n    - artifacts: [{name: c, path: c}]\n",
                9,
                "'export' has 'artifacts' twice"
                "merged artifacts that its own override",
                "  artifacts: [{name: b, path: b}]\n  <<: {artifacts: [{name: c, path: c}]}\n",
                8,
                "'export' has 'artifacts' twice"
                "merged artifacts that an empty list overrides",
                "  artifacts: []\n  <<: {artifacts: [{name: c, path: c}]}\n",
                8,
                "'export' has 'artifacts' twice"
                "merged targets that its own override",
                "  <<: {targets: [{name: b, kind: s3, bucket: b}]}\n",
                7,
                "'export' has 'targets' twice"
                "a merged 'export' that its own overrides",
                "<<: {export: {artifacts: [{name: b, path: b}]}}\n",
                7,
                "the spec has 'export' twice"
                "a list as 'spec' beside 'export'",
                "spec:\n  - export: {artifacts: [{name: b, path: b}]}\n",
                8,
                "'spec' must be a mapping, and is a list"
            ] do
            testCase $"with {name} is refused with the line" (fun () ->
                let refusal = refusalOf (fun () -> S3ExportSpec.Parse(seedSpec + yaml))
                let problem = Seq.exactlyOne refusal.Problems
                Expect.stringContains problem.Text said "what is wrong"
                Expect.equal problem.Line (Nullable line) "where")

        testCase "may have an empty 'spec' beside 'export', and may merge a list of mappings" (fun () ->
            let spec =
                S3ExportSpec.Parse(
                    seedSpec + "  <<: [{artifacts: [{name: b, path: b}]}, {targets: []}]\nspec:\n"
                )

            Expect.sequenceEqual (spec.Artifacts |> Seq.map _.Name) [ "b" ] "the artifact")

        testCase "may merge the same artifacts by two ways, and override what holds none" (fun () ->
            let spec =
                S3ExportSpec.Parse(
                    "base: &base\n  artifacts: [{name: b, path: b}]\nagain: &again\n  <<: *base\n"
                    + seedSpec
                    + "  <<: [*base, *again, {artifacts: []}]\nother:\n  name: x\n  <<: {name: y}\n"
                )

            Expect.sequenceEqual (spec.Artifacts |> Seq.map _.Name) [ "b" ] "the artifact")

        testCase "may begin with a byte order mark" (fun () ->
            Expect.hasLength (S3ExportSpec.Parse("\uFEFF" + seedSpec)).Targets 1 "a target")

        testCase "may say by a tag that a number is a text" (fun () ->
            let spec =
                S3ExportSpec.Parse "export:\n  targets:\n    - {name: !!str 7, kind: s3, bucket: ! 8}\n"

            let target = Seq.exactlyOne spec.Targets
            Expect.equal (target.Name, target.Bucket) ("7", "8") "both")

        testCase "made in code is refused for a null among its targets or artifacts" (fun () ->
            let good = S3ExportTarget(Name = "a", Bucket = "b")

            let target =
                refusalOf (fun () -> S3ExportSpec.Create [ good; Unchecked.defaultof<S3ExportTarget> ])

            Expect.stringContains target.Message "target 2 has no 'name'" "a target"

            let artifact =
                refusalOf (fun () ->
                    S3ExportSpec.Create([ good ], [ Unchecked.defaultof<S3ExportSpecArtifact> ]))

            Expect.stringContains artifact.Message "artifact 1 has no 'name'" "an artifact")

        testCase "whose file name holds a token does not tell it in any part of a problem" (fun () ->
            let path = "/none/cell.yaml?X-Amz-Signature=0123456789abcdef0123"

            for refusal in
                [
                    refusalOf (fun () -> S3ExportSpec.Load path)
                    refusalOf (fun () -> S3ExportSpec.Parse("a: [", path))
                    refusalOf (fun () -> S3ExportSpec.Parse("a: 1", path))
                ] do
                for problem in refusal.Problems do
                    Expect.isFalse ($"{problem.File} {problem}".Contains "0123456789") "no part of it")

        testPropertyWithConfig
            {
                FsCheckConfig.defaultConfig with
                    maxTest = 2000
            }
            "is read or refused, whatever the text"
            (Prop.forAll
                (Arb.fromGen (
                    gen {
                        let! pieces =
                            Gen.listOf (
                                Gen.elements [
                                    "export:"
                                    "targets:"
                                    "name: a"
                                    "kind: s3"
                                    "bucket: b"
                                    "artifacts:"
                                    "- "
                                    "\n"
                                    "\n  "
                                    "\n    "
                                    "{"
                                    "}"
                                    "["
                                    "]"
                                    ","
                                    ": "
                                    "&a "
                                    "*a"
                                    "<<"
                                    "!!str "
                                    "!x "
                                    "|"
                                    ">-\n"
                                    "\""
                                    "'"
                                    "\\x"
                                    "\\U00110000"
                                    "%YAML 1.2\n"
                                    "%TAG ! x\n"
                                    "---"
                                    "..."
                                    "? "
                                    "#"
                                    "\t"
                                    "\000"
                                    "\ud800"
                                    "é"
                                    "~"
                                    "@"
                                    "`"
                                ]
                            )

                        return String.Concat pieces
                    }
                ))
                (fun text ->
                    try
                        S3ExportSpec.Parse text |> ignore
                    with :? S3ExportConfigurationException as refusal ->
                        Expect.isGreaterThan refusal.Problems.Count 0 "what is wrong"))
    ]
