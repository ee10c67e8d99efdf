/// The README and what it leads to are a promise: what they show is compared with the code.
module Facade.Tests.ReadmeTests

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Text.Json
open System.Text.RegularExpressions
open System.Xml.Linq
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open Expecto
open Microsoft.Extensions.Configuration

let private root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

/// The documents: their paths from the root, and their texts.
let private documents = [
    for path in
        [
            "README.md"
            "CONTRIBUTING.md"
            "SECURITY.md"
            "examples/README.md"
            yield!
                Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories)
                |> Seq.sort
                |> Seq.map (fun path -> Path.GetRelativePath(root, path))
        ] do
        path, File.ReadAllText(Path.Combine(root, path))
]

let private blocksOf (language: string) (text: string) = [
    for found in Regex.Matches(text, $"(?m)^```{language}\n(.*?)^```", RegexOptions.Singleline) ->
        found.Groups[1].Value
]

let private blocks (language: string) =
    documents |> List.collect (snd >> blocksOf language) |> List.distinct

/// Lines without the blanks that all of them begin with.
let private dedent (lines: string[]) =
    let depth =
        lines
        |> Seq.filter (fun line -> line.Trim() <> "")
        |> Seq.map (fun line -> line.Length - line.TrimStart().Length)
        |> Seq.min

    lines
    |> Array.map (fun line -> if line.Length > depth then line.Substring depth else "")

let private marks = [ "// <readme>", "// </readme>"; "// <doc>", "// </doc>" ]

/// What stands between the marks of a sample.
let private excerpts (path: string) = [
    let source = File.ReadAllLines path

    for first, last in marks do
        match source |> Array.tryFindIndex (fun line -> line.Trim() = first) with
        | None -> ()
        | Some index ->
            let lines =
                source
                |> Array.skip (index + 1)
                |> Array.takeWhile (fun line -> line.Trim() <> last)
                |> dedent

            (String.Join("\n", lines)).TrimEnd() + "\n"
]

let private samples =
    Directory.GetFiles(Path.Combine(root, "samples"), "*.cs", SearchOption.AllDirectories)
    |> Seq.filter (fun path ->
        not (path.Contains $"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
    |> Seq.collect excerpts
    |> Seq.sort
    |> List.ofSeq

/// The rows of the one table whose header begins with the given cell.
let private rows (header: string) =
    let lines =
        documents
        |> List.map (fun (_, text) -> text.Split '\n')
        |> List.filter (Array.exists _.StartsWith($"| {header} |"))
        |> List.exactlyOne

    let first = lines |> Array.findIndex (fun line -> line.StartsWith $"| {header} |")

    lines
    |> Array.skip (first + 2)
    |> Array.takeWhile _.StartsWith("|")
    |> Array.map (fun line -> line.Trim('|').Split '|' |> Array.map _.Trim())

let private quoted (cell: string) = [ for found in Regex.Matches(cell, "`([^`]+)`") -> found.Groups[1].Value ]

/// What the README calls each verdict.
let private nameOf (verdict: Verdict) =
    match verdict with
    | Verdict.Accepted _ -> "**done**"
    | Verdict.AcceptedIfConfirmed _ -> "**done** only if a digest confirms"
    | Verdict.Retry _ -> "**retried**"
    | Verdict.RetryOnce -> "**once more**"
    | Verdict.FreshUrl -> "**ends** as expired"
    | Verdict.WithoutExpect -> "**sent again** without `Expect`"
    | Verdict.Stop _ -> "**ends**"

let private replyOf (words: string) =
    let reply = {
        Reply.Of(int (words.Split(' ')[0])) with
            ETag = Some "\"e\""
            Sent = Some(Outcomes.whole 0L)
    }

    match words.Split ' ' with
    | [| _; code |] -> {
        reply with
            Error = Some(S3Error.Of code)
      }
    | _ -> reply

let private run (arguments: string) =
    use started =
        nonNull (
            Process.Start(
                ProcessStartInfo(
                    "bash",
                    $"build.sh {arguments}",
                    WorkingDirectory = root,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true
                )
            )
        )

    let out = started.StandardOutput.ReadToEnd()
    let error = started.StandardError.ReadToEnd()
    started.WaitForExit()
    started.ExitCode, out, error

/// The names of the tests that a test program would run, each with those of the lists around it.
let private listTests (program: string) =
    let configuration =
        (nonNull (DirectoryInfo(AppContext.BaseDirectory.TrimEnd '/').Parent)).Name

    let path =
        Path.Combine(root, "tests", program, "bin", configuration, "net10.0", program + ".dll")

    if not (File.Exists path) then
        failtest $"{path} is missing. Build tests/{program} first."

    let info =
        ProcessStartInfo("dotnet", [ path; "--list-tests" ], RedirectStandardOutput = true)

    use listing = nonNull (Process.Start info)
    let lines = listing.StandardOutput.ReadToEnd().Split '\n'
    listing.WaitForExit()
    Expect.equal listing.ExitCode 0 $"{program} lists its tests"
    lines

/// The tests that hold the promises: the file of each, and its name or a part of it.
let private promised () =
    let promises = rows "Promise"
    Expect.isGreaterThan promises.Length 12 "promises"

    [
        for row in promises do
            for holder in row[1].Split ';' do
                match
                    quoted holder,
                    [ for found in Regex.Matches(holder, "\"([^\"]+)\"") -> found.Groups[1].Value ]
                with
                | [ "./build.sh soak" ], [] -> ()
                | [ file ], (_ :: _ as names) -> for name in names -> file, name
                | _ -> failtest $"a promise is held by named tests: {holder}"
    ]

/// `./build.sh test` runs them last, with the results of all programs: a test that was skipped holds nothing.
[<Tests>]
let promises =
    testList "the promises" [
        match Environment.GetEnvironmentVariable "TEST_RESULTS" with
        | null
        | "" -> ()
        | results ->
            testCase "are held by tests that ran and passed" (fun () ->
                let passed =
                    Map.ofList [
                        for file in Directory.GetFiles(results, "*.xml") ->
                            nonNull (Path.GetFileNameWithoutExtension file),
                            [
                                for test in XDocument.Load(file).Descendants "testcase" do
                                    if not test.HasElements then
                                        test.Attribute "name" |> nonNull |> _.Value
                            ]
                    ]

                let unheld = [
                    for file, name in promised () do
                        let program = file.Substring(0, file.IndexOf '/')

                        if
                            not (passed[program] |> List.exists _.Contains(name, StringComparison.Ordinal))
                        then
                            $"{file}: {name}"
                ]

                Expect.equal unheld [] "each ran and passed")
    ]

[<Tests>]
let tests =
    testList "the README" [
        testCase "shows the C# of the samples word for word, and all that is marked" (fun () ->
            Expect.isGreaterThan samples.Length 8 "excerpts"
            Expect.sequenceEqual (blocks "csharp" |> List.sort) samples "the same texts")

        testCase "shows the appsettings.json of the sample" (fun () ->
            let file =
                File.ReadAllText(Path.Combine(root, "samples", "ConfiguredExport", "appsettings.json"))

            let text =
                documents |> List.find (fst >> (=) (Path.Combine("docs", "csharp.md"))) |> snd

            Expect.contains (blocksOf "json" text) file "docs/csharp.md")

        testCase "shows configurations whose keys are all read" (fun () ->
            let configurations =
                blocks "json" |> List.filter (fun text -> text.Contains "\"Export\"")

            Expect.isGreaterThanOrEqual configurations.Length 2 "configurations were found"

            for text in configurations do
                let configuration =
                    ConfigurationBuilder()
                        .AddJsonStream(new MemoryStream(Text.Encoding.UTF8.GetBytes text))
                        .Build()

                let resolved =
                    S3ExportConfiguration.Resolve(
                        S3ExportSpec.FromConfiguration configuration,
                        "cell-7",
                        dict [
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                            ("https://h.example/{artifact_name}": string | null)
                        ]
                        |> Collections.Generic.Dictionary
                    )

                Expect.isEmpty resolved.Refusals text
                Expect.isEmpty resolved.Findings text)

        testCase "names the settings of a host's configuration" (fun () ->
            // What the tables of settings name is read, each for its kind.
            for place, kind in
                [
                    "`Export:Targets:N`, kind `s3`", Some "s3"
                    "`Export:Targets:N`, kind `http`", Some "http"
                    "`Export:Targets:N`, kind `local`", Some "local"
                    "`Export`, for all targets", None
                ] do
                let named =
                    rows "Place"
                    |> Array.find (fun row -> row[0] = place)
                    |> (fun row -> quoted row[1])

                Expect.isGreaterThan named.Length 1 place

                let entries = [
                    "Targets:0:Name", "a"
                    "Targets:0:Kind", kind |> Option.defaultValue "s3"
                    "Targets:0:Bucket", "b"
                    for key in "NoSuchSetting" :: named do
                        (match kind with
                         | Some _ -> $"Targets:0:{key}"
                         | None -> key),
                        ""
                ]

                let spec =
                    HostConfiguration.specFor None [
                        for key, value in entries ->
                            Collections.Generic.KeyValuePair<string, string | null>(key, value)
                    ]

                let resolution =
                    Settings.resolve
                        {
                            Lookup = fun _ -> None
                            Names = []
                            Now = DateTimeOffset.UnixEpoch
                            CellId = None
                            HasProvider = true
                        }
                        (Expect.wantOk spec place)

                Expect.equal
                    [
                        for finding in resolution.Findings do
                            if finding.Id = FindingId.UnknownKey then
                                finding.Variable
                    ]
                    [ "NoSuchSetting" ]
                    place

                // And no other is: the remedy lists what is read.
                let remedy =
                    resolution.Findings
                    |> List.find (fun finding -> finding.Variable = "NoSuchSetting")
                    |> _.Remedy

                let read =
                    (remedy.Substring(remedy.LastIndexOf " are " + 5)).TrimEnd('.').Split ", "
                    |> Array.filter (fun key ->
                        not (
                            List.contains key [
                                "name"
                                "kind"
                                "bucket"
                                "region"
                                "keyPrefix"
                                "targets"
                                "artifacts"
                            ]
                        ))

                Expect.equal
                    (read |> Array.map _.ToLowerInvariant() |> Array.sort)
                    (named |> List.map _.ToLowerInvariant() |> List.sort |> Array.ofList)
                    place)

        testCase "has links that lead somewhere" (fun () ->
            let anchors (text: string) = [
                for found in Regex.Matches(text, "(?m)^#+ (.*)$") ->
                    Regex
                        .Replace(found.Groups[1].Value.Trim().ToLowerInvariant(), "[^a-z0-9 _-]", "")
                        .Replace(' ', '-')
            ]

            let mutable count = 0

            for path, text in documents do
                for found in Regex.Matches(text, @"\]\(([^)\s]+)\)") do
                    let link = found.Groups[1].Value

                    if not (link.StartsWith("https://", StringComparison.Ordinal)) then
                        count <- count + 1
                        let file = (link.Split '#')[0]

                        let target =
                            if file = "" then
                                Path.Combine(root, path)
                            else
                                Path.GetFullPath(
                                    Path.Combine(root, nonNull (Path.GetDirectoryName path), file)
                                )

                        Expect.isTrue (File.Exists target || Directory.Exists target) $"{path}: {link}"

                        match link.Split '#' with
                        | [| _; anchor |] ->
                            Expect.contains (anchors (File.ReadAllText target)) anchor $"{path}: {link}"
                        | _ -> ()

            Expect.isGreaterThan count 30 "links were found")

        testCase "has no line of prose that is longer than an editor is wide" (fun () ->
            let mayBeLong (line: string) =
                [ "|"; "#"; "!["; "- [" ]
                |> List.exists (fun start -> line.TrimStart().StartsWith(start, StringComparison.Ordinal))

            for path, text in documents do
                // Code is as it is, and so is what is made from it.
                if Path.GetFileName path <> "reference.md" then
                    let prose =
                        Regex.Replace(text, "(?ms)^ *```.*?^ *```", "").Split '\n'
                        |> Array.filter (fun line -> line.Length > 128 && not (mayBeLong line))

                    Expect.isEmpty prose path)

        testCase "has the table of variables of the core" (fun () ->
            Expect.sequenceEqual
                (rows "Variable" |> Seq.map (String.concat " | "))
                (Variable.all
                 |> Seq.map (fun row -> $"`{row.Name}` | {row.Meaning} | {row.Default}"))
                "all of them, in order")

        testCase "names every finding" (fun () ->
            let ids =
                nonNull(typeof<Finding>.Assembly.GetType "CellOS.Export.S3.Core.FindingId").GetFields()
                |> Seq.map (fun field -> string (field.GetRawConstantValue()))
                |> Seq.sort

            Expect.sequenceEqual
                (rows "Finding" |> Seq.collect (fun row -> quoted row[0]) |> Seq.sort)
                ids
                "the ids")

        testCase "has the verdict table of the core" (fun () ->
            let rows = rows "Reply"
            Expect.hasLength rows 13 "rows"

            for row in rows do
                for words in quoted row[0] do
                    let given = {
                        Circumstances.defaults with
                            Expected = true
                    }

                    let verdict = Verdict.ofOutcome given (Outcome.Replied(replyOf words))
                    Expect.stringStarts row[1] (nameOf verdict) words)

        testCase "says of each status of success what the core makes of it" (fun () ->
            let nameOf status =
                match SuccessStatus.ofStatus status with
                | SuccessStatus.Stored -> "stored"
                | SuccessStatus.NotYetStored -> "not yet stored"
                | SuccessStatus.NotOfAnUpload -> "nothing"

            let rows = rows "Status"

            let named =
                rows
                |> Array.collect (fun row -> [| for word in quoted row[0] -> int word, row[1] |])

            for status, says in named do
                Expect.stringStarts says (nameOf status) $"{status}"

            for status in 200..299 do
                if named |> Array.forall (fun (other, _) -> other <> status) then
                    Expect.equal (nameOf status) "nothing" $"{status}, which the last row includes")

        testCase "says of each S3 error code what the core makes of it" (fun () ->
            let rows = rows "Code"
            Expect.isGreaterThan rows.Length 20 "codes"

            for row in rows do
                let codes = quoted row[0]

                let says =
                    match Regex.Match(row[0], "with \"([^\"]+)\"") with
                    | found when found.Success -> Some found.Groups[1].Value
                    | _ -> None

                let statuses = row[1].Split(',') |> Array.map int

                for index, code in List.indexed codes do
                    let reply = replyOf $"{statuses[min index (statuses.Length - 1)]} {code}"

                    let reply = {
                        reply with
                            Error = reply.Error |> Option.map (fun error -> { error with Message = says })
                    }

                    Expect.equal
                        (nameOf (Verdict.ofOutcome Circumstances.defaults (Outcome.Replied reply)))
                        row[2]
                        $"{code}")

        testCase "names every kind of failure, every integrity and every option" (fun () ->
            let kinds = rows "`Kind`" |> Seq.collect (fun row -> quoted row[0]) |> Seq.sort

            Expect.sequenceEqual
                kinds
                (Enum.GetNames<ExportFailureKind>() |> Seq.filter ((<>) "Unknown") |> Seq.sort)
                "the kinds"

            let words = rows "`integrity`" |> Seq.collect (fun row -> quoted row[0]) |> Seq.sort

            let confirmations = Confirmation.all |> Seq.map _.Name |> Seq.sort

            Expect.sequenceEqual words confirmations "the confirmations"
            let options = rows "Option" |> Seq.collect (fun row -> quoted row[0]) |> Set.ofSeq

            for property in typeof<PresignedS3ExportSinkOptions>.GetProperties() do
                Expect.isTrue (options.Contains property.Name) property.Name)

        testCase "has the instruments of the code, and every attribute" (fun () ->
            use _listener = new Listeners.Metrics()
            let heard = nonNull Telemetry.Instruments.Heard

            let instruments =
                heard.GetType().GetProperties(BindingFlags.Instance ||| BindingFlags.NonPublic)
                |> Seq.choose (fun property ->
                    match property.GetValue heard with
                    | :? Metrics.Instrument as instrument -> Some instrument
                    | _ -> None)
                |> Seq.map (fun instrument ->
                    let kind = instrument.GetType().Name.Split('`')[0]
                    $"`{instrument.Name}` | {kind}, `{instrument.Unit}` | {instrument.Description}")

            Expect.sequenceEqual
                (rows "Instrument" |> Seq.map (fun row -> String.concat " | " row[..2]))
                instruments
                "the instruments, in order"

            let attributes =
                typeof<Telemetry.Tag>.GetFields(BindingFlags.Static ||| BindingFlags.NonPublic)
                |> Seq.map (fun field -> string (field.GetRawConstantValue()))
                |> Seq.sort

            Expect.sequenceEqual
                (rows "Attributes of"
                 |> Seq.collect (fun row -> quoted row[1] @ quoted row[2])
                 |> Seq.distinct
                 |> Seq.sort)
                attributes
                "the attributes")

        testCase "names every event of the log" (fun () ->
            let declared =
                nonNull(typeof<PresignedS3ExportSink>.Assembly.GetType "CellOS.Export.S3.Log")
                    .GetMethods(BindingFlags.Static ||| BindingFlags.NonPublic)
                |> Seq.choose (fun found ->
                    found.GetCustomAttribute<Microsoft.Extensions.Logging.LoggerMessageAttribute>()
                    |> Option.ofObj)
                |> List.ofSeq

            Expect.sequenceEqual
                (rows "Event" |> Seq.map (fun row -> $"{row[0]} | {row[1]}"))
                (declared
                 |> Seq.sortBy _.EventId
                 |> Seq.map (fun event -> $"{event.EventId} `{event.EventName}` | {event.Level}"))
                "ids, names and levels, in order")

        testCase "names, for each promise, tests that there are" (fun () ->
            let listed = Collections.Generic.Dictionary<string, string[]>()

            /// The names of all tests of a program, as it lists them itself.
            let testsOf (program: string) =
                match listed.TryGetValue program with
                | true, names -> names
                | _ ->
                    let names = listTests program
                    listed[program] <- names
                    names

            for file, name in promised () do
                let source = File.ReadAllText(Path.Combine(root, "tests", file))
                let program = file.Substring(0, file.IndexOf '/')

                Expect.isTrue (Regex.IsMatch(source, $"\"[^\"\n]*{Regex.Escape name}")) $"{file} has {name}"

                Expect.isTrue
                    (testsOf program |> Array.exists _.Contains(name, StringComparison.Ordinal))
                    $"{program} has a test that is called {name}")

        testCase "shows a receipt with the fields of a receipt, in their order" (fun () ->
            let names (json: string) = [
                for field in JsonDocument.Parse(json).RootElement.EnumerateObject() -> field.Name
            ]

            let full =
                ExportReceipt(
                    TargetKind = ExportTargetKind.S3,
                    TargetName = "t",
                    Destination = "d",
                    BytesWritten = 1L,
                    CellId = "c",
                    ArtifactName = "a",
                    Region = "r",
                    ObjectUrl = "o",
                    Sha256 = "s",
                    Md5 = "m",
                    Checksums = readOnlyDict [ "crc64nvme", "c" ],
                    ETag = "e",
                    VersionId = "v",
                    RequestId = "i",
                    Integrity = "n",
                    Attempts = 1,
                    StartedAt = DateTimeOffset.UnixEpoch,
                    CompletedAt = DateTimeOffset.UnixEpoch
                )

            let expected =
                names (full.ToJson()) |> List.filter (fun name -> name <> "versionId")

            let receipts = blocks "json" |> List.filter _.StartsWith("""{"targetKind""")
            Expect.hasLength receipts 1 "the same wherever it is shown"
            Expect.equal (names receipts.Head) expected "the fields")

        testCase "shows a failure in the words of the core" (fun () ->
            let shown = [
                for _, text in documents do
                    for found in Regex.Matches(text, "(?m)^> Export of(.*\n(> .*\n)*)") ->
                        found.Value.Replace("\n> ", " ").Substring(2).TrimEnd()
            ]

            let get result =
                result
                |> Result.defaultWith (fun (refusal: Refusal) -> failwith refusal.Message)

            let url =
                "https://evidence.s3.us-west-2.amazonaws.com/cell-7/logs/stdout.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Date=20260501T100000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=c0ffee"

            let target =
                Target.create
                    (get (CellId.create "cell-7"))
                    (get (Bucket.create "evidence"))
                    (Some(get (UrlTemplate.parse url)))

            let plan =
                get (PushPlan.create target (get (ArtifactName.create "logs/stdout.txt")))

            let noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

            match Push.step (Push.create plan) (Input.Started(noon, 76L)) with
            | struct (_, Output.Failed failure) ->
                Expect.sequenceEqual shown [ failure.Message; failure.Message ] "README.md and csharp.md"
            | struct (_, other) -> failtestf "%A" other)

        testCase "names the commands that build.sh has, which refuses all others" (fun () ->
            let code, out, _ = run "help"
            Expect.equal code 0 "help succeeds"

            for command in [ "build"; "quickstart"; "test"; "live"; "soak"; "format"; "clean"; "help" ] do
                Expect.stringContains out $"\n  {command}" command

            let code, _, error = run "nonsense"
            Expect.equal code 2 "refused"
            Expect.stringContains error "'nonsense'" "what was refused"
            Expect.stringContains error "quickstart" "with the list")
    ]
