// What a presigned URL says of itself: how it was signed, for which bucket and key, when it begins and ends, and what it
// forces on whoever uses it. Nothing is sent, and nothing secret is printed.
//
//     ./build.sh
//     dotnet fsi samples/explain-url.fsx                      a made-up example
//     dotnet fsi samples/explain-url.fsx < url.txt            one from standard input: others may read a command line
//     dotnet fsi samples/explain-url.fsx url.txt              one from a file
//     dotnet fsi samples/explain-url.fsx --at 2026-04-01T08:30:00Z url.txt
//
//     where       https://evidence.s3.eu-central-1.amazonaws.com/cell-42/events.jsonl
//     signature   SigV4
//     ends        2026-04-01 09:00:00Z: 30 min left
//     headers     host: goes with every request
//                 x-amz-meta-run: you must send it, with the value that was signed

#r "../src/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/bin/Release/net10.0/CellOS.Export.S3.Core.dll"

open System
open System.Globalization
open System.IO
open CellOS.Export.S3.Core

let usage =
    "usage: dotnet fsi samples/explain-url.fsx [--at INSTANT] [FILE]     (or the URL on standard input)"

let stop code (text: string) : 'never =
    eprintfn $"{text}"
    exit code

let example =
    "https://evidence.s3.eu-central-1.amazonaws.com/cell-42/events.jsonl?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKEXAMPLE%2F20260401%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260401T080000Z"
    + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=content-md5%3Bhost%3Bx-amz-meta-run"
    + "&x-amz-checksum-crc32=AAAAAA%3D%3D&X-Amz-Signature=c0ffeec0ffeec0ffee"

let (|Instant|_|) (text: string) =
    match DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) with
    | true, at -> Some at
    | _ -> None

let read (path: string) =
    try
        File.ReadAllText path
    with
    | :? IOException
    | :? UnauthorizedAccessException -> stop 1 $"The file {Shown.line path} cannot be read."

let asked, arguments =
    match List.tail (List.ofArray fsi.CommandLineArgs) with
    | "--at" :: Instant at :: rest -> at, rest
    | rest -> DateTimeOffset.UtcNow, rest

let input =
    match arguments with
    | [ file ] when not (file.StartsWith '-' || file.Contains "://") -> read file
    | [] when Console.IsInputRedirected -> Console.In.ReadToEnd()
    | [] -> ""
    | _ -> stop 2 usage

let text, now =
    if String.IsNullOrWhiteSpace input then
        printfn "No URL was given. This one is made up, and it is 2026-04-01, 08:30, with it.\n"
        example, DateTimeOffset(2026, 4, 1, 8, 30, 0, TimeSpan.Zero)
    else
        input.Trim(), asked

let template =
    match UrlTemplate.parse text with
    | Ok template -> template
    | Error refusal -> stop 1 refusal.Message

let get (result: Result<'value, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> stop 1 refusal.Message

let url =
    template
    |> UrlTemplate.render (get (CellId.create "cell-id")) (get (ArtifactName.create "artifact-name"))

let told = PresignedUrl.inspect url
let host = S3Host.tryParse (RequestUrl.host url)

/// Prints one line, and more of them below it.
let tell (what: string) (lines: string list) =
    lines
    |> List.iteri (fun i line -> printfn $"""{(if i = 0 then what else "").PadRight 12}{Shown.line line}""")

let moment (at: DateTimeOffset) =
    at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)

let inWords (span: TimeSpan) =
    let two large unit small smaller =
        if small = 0 then $"{large} {unit}" else $"{large} {unit} {small} {smaller}"

    if span.Days > 0 then two span.Days "d" span.Hours "h"
    elif span.Hours > 0 then two span.Hours "h" span.Minutes "min"
    else two span.Minutes "min" span.Seconds "s"

// Where it goes.

tell "where" [ RequestUrl.withoutQuery url ]

tell "host" [
    match host with
    | None -> "none of AWS's: the bucket is for its gateway or store to know"
    | Some { IsAccessPoint = true } -> "an access point of AWS"
    | Some { Prefix = Some _ } -> "AWS, virtual-hosted: the bucket stands in the host's name"
    | Some _ -> "AWS, path-style: the bucket is the path's first segment"
]

for what, value in [ "bucket", told.Bucket; "key", told.Key ] do
    value |> Option.iter (fun value -> tell what [ value ])

tell "region" [
    match told.Region, told.ScopeRegion with
    | Some host, Some scope when host <> scope ->
        $"{host} by the host, {scope} as it was signed: S3 refuses that"
    | Some region, _
    | None, Some region -> region
    | None, None -> "not told"
]

if not (UrlTemplate.isExact template) then
    tell "template" [
        "it holds placeholders: 'cell-id' and 'artifact-name' stand in their places here"
    ]

// Who signed it, and for how long.

tell "signature" [
    match told.Signature with
    | UrlSignature.V4 -> "SigV4"
    | UrlSignature.V2 -> "SigV2, which AWS does not take in newer regions"
    | UrlSignature.Google4
    | UrlSignature.Google2 -> "Google Cloud Storage"
    | UrlSignature.Oss4
    | UrlSignature.Oss -> "Alibaba OSS"
    | UrlSignature.Cos -> "Tencent COS"
    | UrlSignature.Obs -> "Huawei OBS"
    | UrlSignature.AzureSas -> "Azure Storage, a shared access signature"
    | UrlSignature.SwiftTempUrl -> "OpenStack Swift, a temporary URL"
    | UrlSignature.OraclePar -> "Oracle Object Storage, a pre-authenticated request"
    | UrlSignature.Unknown -> "incomplete, mangled, or of a scheme that is not known here"
    | UrlSignature.Unsigned -> "not one that is known here; a token of a gateway's own is not explained"
]

if told.Signature <> UrlSignature.Unsigned then
    tell "signed by" [
        if told.HasSecurityToken then
            "temporary credentials, which may end before the URL does"
        else
            "a key without a session token"
    ]

told.SignedAt
|> Option.iter (fun at ->
    let early = if at > now then $": in {inWords (at - now)}" else ""
    tell "begins" [ moment at + early ])

match told.ExpiresAt, PresignedUrl.usableUntil told with
| Some ends, Some last ->
    tell "ends" [
        if ends > now then
            $"{moment ends}: {inWords (ends - now)} left"
        else
            $"{moment ends}: {inWords (now - ends)} ago"
        $"(the library begins no attempt after {moment last}: clocks may differ)"
    ]
| _ -> tell "ends" [ "not told" ]

// What it forces on the caller, and what is in it besides the signature.

tell "headers" [
    for name in told.SignedHeaders do
        match name with
        | "host"
        | "content-length" -> $"{name}: goes with every request"
        | "content-md5" -> $"{name}: the library takes the file's MD5 and sends it"
        | "if-none-match" -> $"{name}: goes along where the target is write-once"
        | name -> $"{name}: you must send it, with the value that was signed"

    match told.Signature with
    | UrlSignature.V4 -> "any other x-amz-* header would be refused"
    | UrlSignature.V2 ->
        "Content-Type, Content-MD5 and x-amz-*: exactly what was signed, and mostly that is none"
    | _ -> "none that it tells of"
]

/// Names only: a value may be a secret.
let baked =
    let ofSignature =
        set [
            "algorithm"
            "credential"
            "date"
            "expires"
            "signedheaders"
            "signature"
            "security-token"
        ]

    [
        for parameter in (RequestUrl.revealQuery url).Split '&' do
            let name = Uri.UnescapeDataString((parameter.Split '=')[0]).ToLowerInvariant()

            if
                name.StartsWith "x-amz-"
                && name.Length <= 64
                && name |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '-')
                && not (ofSignature.Contains(name.Substring 6))
            then
                name
    ]

if not baked.IsEmpty then
    tell "baked in" baked

// What the library would say of it at the start, in a spec with the bucket that the URL names.

let findings =
    let name = get (TargetName.create "url")

    let target: SpecTarget = {
        Name = TargetName.value name
        Kind = CellSpec.Kind
        Bucket = Option.defaultValue "evidence" told.Bucket
        Region = null
        KeyPrefix = null
        Line = None
    }

    let variable = Variable.forTarget name Variable.PresignedUrl

    match CellSpec.create [ target ] [] with
    | Error problems -> problems |> List.map _.Text
    | Ok spec ->
        let resolution =
            spec
            |> Settings.resolve {
                Lookup = fun name -> if name = variable then Some text else None
                Names = []
                Now = now
                CellId = None
                HasProvider = false
            }

        [
            for finding in resolution.Findings do
                $"{finding.Severity.Name} {finding.Id}: {finding.What}. {finding.Remedy}"
        ]

tell "findings" (if findings.IsEmpty then [ "none" ] else findings)
