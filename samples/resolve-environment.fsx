// What a cell spec and an environment come to: every setting of every target and where it came from, what was noticed,
// and what keeps it from being used, with how to mend it. Nothing is sent, and nothing secret is printed.
//
//     ./build.sh
//     dotnet fsi samples/resolve-environment.fsx                                  a made-up spec and environment
//     dotnet fsi samples/resolve-environment.fsx cell.yaml                        with the environment of this process
//     dotnet fsi samples/resolve-environment.fsx --env job.env cell.yaml          with a file of KEY=VALUE lines
//     dotnet fsi samples/resolve-environment.fsx --process --env job.env cell.yaml
//                                                                    with both; what the file says counts more
//
// `--cell ID` holds the URLs against one cell, `--at INSTANT` against another time than now. It ends with 1 where the
// configuration cannot be used.
//
//     target 'artifact-bucket': can be used
//       maxAttempts   CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET  5
//       retryBackoff  default                                         500 ms
//     …

#r "../src/Facade.CSharp/bin/Release/net10.0/YamlDotNet.dll"
#r "../src/Facade.CSharp/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/Facade.CSharp/bin/Release/net10.0/CellOS.Export.S3.Core.dll"
#r "../src/Facade.CSharp/bin/Release/net10.0/CellOS.Export.S3.dll"

open System
open System.Collections
open System.Collections.Generic
open System.Globalization
open System.IO
open CellOS.Export.S3
open CellOS.Export.S3.Core

let usage =
    "usage: dotnet fsi samples/resolve-environment.fsx [--env FILE] [--process] [--cell ID] [--at INSTANT] [SPEC_YAML]"

let stop code (text: string) : 'never =
    eprintfn $"{text}"
    exit code

let exampleSpec =
    """
export:
  targets:
    - { name: artifact-bucket, kind: s3, bucket: evidence, region: eu-central-1 }
    - { name: cold-store, kind: s3, bucket: Archive_2026 }
    - { name: inbox, kind: http }
  artifacts:
    - { name: events.jsonl, path: out/events.jsonl, target: artifact-bucket }
"""

let exampleEnvironment = [
    "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
    "https://evidence.s3.eu-west-1.amazonaws.com/cell-42/events.jsonl?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKEXAMPLE%2F20260401%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260401T080000Z"
    + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=c0ffeec0ffeec0ffee"
    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "5"
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "half a second"
    "CELLOS_EXPORT_S3_RETRY_MODUS__ARTIFACT_BUCKET", "exponential"
    "CELLOS_EXPORT_S3_TIMEOUT_MS", "60000"
]

type Options = {
    Spec: string option
    EnvFile: string option
    Process: bool
    Cell: string | null
    At: DateTimeOffset option
}

let (|Instant|_|) (text: string) =
    match DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) with
    | true, at -> Some at
    | _ -> None

let rec parse (options: Options) (arguments: string list) =
    match arguments with
    | [] -> options
    | "--env" :: file :: rest -> parse { options with EnvFile = Some file } rest
    | "--process" :: rest -> parse { options with Process = true } rest
    | "--cell" :: id :: rest -> parse { options with Cell = id } rest
    | "--at" :: Instant at :: rest -> parse { options with At = Some at } rest
    | [ spec ] when not (spec.StartsWith '-') -> { options with Spec = Some spec }
    | _ -> stop 2 usage

let options =
    List.tail (List.ofArray fsi.CommandLineArgs)
    |> parse {
        Spec = None
        EnvFile = None
        Process = false
        Cell = null
        At = None
    }

/// The variables of a file: `KEY=VALUE` lines, with `export` before them or not, values in quotes or not; blank lines and
/// lines with a `#` are passed over. A line that is none of these is told by its number: it may hold a secret.
let ofFile (path: string) =
    let unquoted (value: string) =
        match value.Trim() with
        | value when
            value.Length >= 2
            && (value[0] = '"' || value[0] = '\'')
            && value[value.Length - 1] = value[0]
            ->
            value.Substring(1, value.Length - 2)
        | value -> value

    let variable (number: int) (line: string) =
        match line.IndexOf '=' with
        | i when i < 1 -> stop 1 $"{Shown.line path}, line {number + 1}: it is no KEY=VALUE."
        | i -> line.Substring(0, i).Trim(), unquoted (line.Substring(i + 1))

    try
        File.ReadAllLines path
        |> List.ofArray
        |> List.indexed
        |> List.filter (fun (_, line) -> line.Trim() <> "" && not ((line.TrimStart()).StartsWith '#'))
        |> List.map (fun (number, line) ->
            let line = line.Trim()
            variable number (if line.StartsWith "export " then line.Substring 7 else line))
    with
    | :? IOException
    | :? UnauthorizedAccessException -> stop 1 $"The file {Shown.line path} cannot be read."

let ofProcess () = [
    for entry in Environment.GetEnvironmentVariables() |> Seq.cast<DictionaryEntry> do
        string entry.Key, string entry.Value
]

let environment =
    let variables = Dictionary<string, string | null>()

    let all =
        match options with
        | {
              Spec = None
              EnvFile = None
              Process = false
          } -> exampleEnvironment
        | { EnvFile = None } -> ofProcess ()
        | { EnvFile = Some file; Process = true } -> ofProcess () @ ofFile file
        | { EnvFile = Some file } -> ofFile file

    for name, value in all do
        variables[name] <- value

    variables

let configuration =
    try
        let spec =
            match options.Spec with
            | Some path -> S3ExportSpec.Load path
            | None -> S3ExportSpec.Parse exampleSpec

        let now =
            match options with
            | { At = Some at } -> at
            | { Spec = None } -> DateTimeOffset(2026, 4, 1, 8, 50, 0, TimeSpan.Zero)
            | _ -> DateTimeOffset.UtcNow

        let clock = {
            new TimeProvider() with
                override _.GetUtcNow() = now
        }

        S3ExportConfiguration.Resolve(spec, options.Cell, environment, clock)
    with
    | :? S3ExportConfigurationException as problem -> stop 1 problem.Message
    | :? ArgumentException as problem -> stop 1 problem.Message

/// Three columns; what may be long comes last.
let tell (settings: S3ExportSetting seq) =
    let rows = [
        for setting in settings ->
            setting.Name,
            (match setting.Origin with
             | S3ExportOrigin.Variable -> string setting.Variable
             | origin -> (string origin).ToLowerInvariant()),
            Shown.line setting.Value
    ]

    let width column =
        rows |> List.map (column >> String.length) |> List.append [ 0 ] |> List.max

    let names, origins =
        width (fun (name, _, _) -> name), width (fun (_, origin, _) -> origin)

    for name, origin, value in rows do
        printfn $"  {name.PadRight names}  {origin.PadRight origins}  {value}"

for target in configuration.Targets do
    printfn $"""target '{target.Name}': {if target.IsUsable then "can be used" else "cannot be used"}"""
    tell target.Settings

    if not (isNull target.Expiry) then
        printfn $"  its URL expires {target.Expiry}"

    printfn ""

printfn "all targets"
tell configuration.Globals

if configuration.Findings.Count > 0 then
    printfn "\nfindings"

    for finding in configuration.Findings do
        printfn $"  {finding}"

if configuration.IsUsable then
    printfn "\nIt can be used."
else
    printfn "\nrefused"

    for problem in configuration.Refusals do
        printfn $"  {problem}"

    // The made-up one is meant to be.
    exit (if options.Spec.IsSome then 1 else 0)
