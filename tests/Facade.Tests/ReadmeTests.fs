/// The README is a promise: what it shows is compared with the code.
module Facade.Tests.ReadmeTests

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Text.Json
open System.Text.RegularExpressions
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open Expecto

let private root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

let private readme = File.ReadAllText(Path.Combine(root, "README.md"))

let private blocks (language: string) = [
    for found in Regex.Matches(readme, $"```{language}\n(.*?)```", RegexOptions.Singleline) ->
        found.Groups[1].Value
]

/// Lines without the blanks that all of them begin with.
let private dedent (lines: string[]) =
    let depth =
        lines
        |> Seq.filter (fun line -> line.Trim() <> "")
        |> Seq.map (fun line -> line.Length - line.TrimStart().Length)
        |> Seq.min

    lines
    |> Array.map (fun line -> if line.Length > depth then line.Substring depth else "")

/// What stands between the marks of a sample.
let private excerpt (path: string list) =
    let source =
        File.ReadAllLines(Path.Combine(Array.ofList (root :: "samples" :: path)))

    let lines =
        source
        |> Array.skipWhile (fun line -> line.Trim() <> "// <readme>")
        |> Array.skip 1
        |> Array.takeWhile (fun line -> line.Trim() <> "// </readme>")
        |> dedent

    (String.Join("\n", lines)).TrimEnd() + "\n"

/// The rows of the first table below a heading whose header begins with the given cell.
let private rows (header: string) =
    let lines = readme.Split '\n'
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
    | Verdict.Retry _ -> "**retried**"
    | Verdict.RetryOnce -> "**once more**"
    | Verdict.FreshUrl -> "**ends** as expired"
    | Verdict.Stop _ -> "**ends**"

let private replyOf (words: string) =
    let reply = {
        Reply.Of(int (words.Split(' ')[0])) with
            Sent = Some { Bytes = 0L; Sha256 = ""; Md5 = None }
    }

    match words.Split ' ' with
    | [| _; code |] -> {
        reply with
            Error =
                Some {
                    Code = code
                    Message = None
                    RequestId = None
                    HostId = None
                    Region = None
                    Endpoint = None
                }
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

[<Tests>]
let tests =
    testList "the README" [
        testCase "shows the C# of the samples word for word" (fun () ->
            Expect.sequenceEqual
                (blocks "csharp")
                [
                    excerpt [ "Quickstart"; "Exporter.cs" ]
                    excerpt [ "HostedExport"; "Program.cs" ]
                    excerpt [ "HostedExport"; "EvidenceExporter.cs" ]
                ]
                "the same texts")

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
            Expect.hasLength rows 10 "rows"

            for row in rows do
                for words in quoted row[0] do
                    let verdict = Verdict.ofOutcome false (Outcome.Replied(replyOf words))
                    Expect.stringStarts row[1] (nameOf verdict) words)

        testCase "names every kind of failure, every integrity and every option" (fun () ->
            let kinds = rows "`Kind`" |> Seq.collect (fun row -> quoted row[0]) |> Seq.sort

            Expect.sequenceEqual kinds (Enum.GetNames<ExportFailureKind>() |> Seq.sort) "the kinds"

            let words = rows "`integrity`" |> Seq.collect (fun row -> quoted row[0]) |> Seq.sort

            let confirmations =
                [
                    Confirmation.ContentMd5
                    Confirmation.ETagMd5
                    Confirmation.ChecksumSha256
                    Confirmation.Unverified
                ]
                |> Seq.map _.Name
                |> Seq.sort

            Expect.sequenceEqual words confirmations "the confirmations"
            let options = rows "Option" |> Seq.collect (fun row -> quoted row[0]) |> Set.ofSeq

            for property in typeof<PresignedS3ExportSinkOptions>.GetProperties() do
                let shownElsewhere =
                    List.contains property.Name [
                        "PresignedUrl"
                        "CellId"
                        "Bucket"
                        "KeyPrefix"
                        "TargetName"
                        "Region"
                    ]

                Expect.isTrue (shownElsewhere || options.Contains property.Name) property.Name)

        testCase "has the instruments of the code, and every attribute" (fun () ->
            let fieldsOf (name: string) =
                nonNull(typeof<PresignedS3ExportSink>.Assembly.GetType $"CellOS.Export.S3.Telemetry.{name}")
                    .GetFields(BindingFlags.Static ||| BindingFlags.NonPublic ||| BindingFlags.Public)

            let instruments =
                fieldsOf "Instruments"
                |> Seq.choose (fun field ->
                    match field.GetValue null with
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
                fieldsOf "Tag"
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

            Expect.isGreaterThan declared.Length 0 "events"

            for event in declared do
                Expect.isTrue
                    (Regex.IsMatch(readme, $@"\s{event.EventId} `{event.EventName}`"))
                    $"{event.EventId} {event.EventName}")

        testCase "names, for each promise, tests that are there" (fun () ->
            let promises = rows "Promise"
            Expect.isGreaterThan promises.Length 12 "promises"

            for row in promises do
                let held = row[1].Split ';'

                for holder in held do
                    match
                        quoted holder,
                        [ for found in Regex.Matches(holder, "\"([^\"]+)\"") -> found.Groups[1].Value ]
                    with
                    | [ "./build.sh soak" ], [] -> ()
                    | [ file ], (_ :: _ as names) ->
                        let source = File.ReadAllText(Path.Combine(root, "tests", file))

                        for name in names do
                            Expect.isTrue
                                (Regex.IsMatch(source, $"\"[^\"\n]*{Regex.Escape name}"))
                                $"{file} has {name}"
                    | _ -> failtest $"a promise is held by named tests: {holder}")

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

            let receipt = blocks "json" |> List.find _.StartsWith("""{"targetKind""")
            Expect.equal (names receipt) expected "the fields")

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
