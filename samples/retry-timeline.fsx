// Plays a retry schedule against what a server and a network make of each attempt, and draws it as a time line (SVG).
// The push machine itself decides; the clock is made up, so it takes no time. Nothing is sent.
//
//     ./build.sh
//     dotnet fsi samples/retry-timeline.fsx day.svg                        a bad day, drawn into a file
//     dotnet fsi samples/retry-timeline.fsx > day.svg                      to standard output, the table to the other one
//     dotnet fsi samples/retry-timeline.fsx --mode fixed --attempts 4 --backoff 250 day.svg 503 503/2 reset@900 200
//
//   --mode fixed|exponential   how waits grow (exponential)
//   --attempts N               all tries, the first included (5)
//   --backoff MS, --cap MS     the wait, or what is doubled (500), and the longest one (20000)
//   --deadline MS              for all of it (none)
//   --timeout MS               for one attempt (30000)
//   --seed N                   for the rolls of the dice of the exponential schedule (1)
//
// An outcome is an HTTP status, or what went wrong: dns, refused, connect-timeout, timeout, stall, reset (after the whole
// body), tls, certificate, damaged (BadDigest), expired. `/2` adds Retry-After: 2, `@900` makes it take 900 ms (100). The
// last one stands for all that would follow it.
//
//     PUT 1    0.000 s   0.040 s   the host's name is not known
//     wait     0.040 s   0.164 s
//     …

#r "../src/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/bin/Release/net10.0/CellOS.Export.S3.Core.dll"
#load "TimelineSvg.fsx"

open System
open System.Globalization
open System.IO
open System.Text.RegularExpressions
open CellOS.Export.S3.Core
open TimelineSvg

let usage =
    "usage: dotnet fsi samples/retry-timeline.fsx [--mode fixed|exponential] [--attempts N] [--backoff MS] [--cap MS]\n"
    + "         [--deadline MS] [--timeout MS] [--seed N] [FILE.svg] [OUTCOME...]\n"
    + "       OUTCOME: a status, or dns, refused, connect-timeout, timeout, stall, reset, tls, certificate, damaged,\n"
    + "       expired; then [/RETRY_AFTER_SECONDS] and [@MILLISECONDS], as in 503/2@60"

let stop code (text: string) : 'never =
    eprintfn $"{text}"
    exit code

let ms (count: int) = TimeSpan.FromMilliseconds(float count)

let get (result: Result<'value, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> stop 2 refusal.Message

// What may become of an attempt.

type Event = {
    Says: string
    Took: TimeSpan
    Outcome: Outcome
}

let length = 1_000_000L

let sent: Sent = {
    Bytes = length
    Sha256 = Digest.tryParseHex DigestAlgorithm.Sha256 (String('a', 64)) |> Option.get
    Others = Digest.tryParseHex DigestAlgorithm.Md5 (String('b', 32)) |> Option.toList
}

let fault kind says =
    Outcome.NotSent(Fault.Create(kind, says, 0L)), says

let lostReply kind says =
    Outcome.Unknown {
        Fault.Create(kind, says, length) with
            Sent = Some sent
    },
    says

let reply status code retryAfter =
    let error: S3Error option =
        match code with
        | "" -> None
        | code -> Some(S3Error.Of code)

    let after =
        match retryAfter with
        | Some seconds -> $", Retry-After: {seconds}"
        | None -> ""

    Outcome.Replied {
        Reply.Of status with
            Error = error
            RetryAfter = retryAfter
            // The MD5 of what was sent, as S3 reports it.
            ETag = if status < 300 then sent.Md5 |> Option.map (fun md5 -> $"\"{md5}\"") else None
            Sent = Some sent
    },
    $"{status} {code}".Trim() + after

let eventOf (text: string) =
    let parts =
        Regex.Match(text, @"\A([a-z-]+|[1-5][0-9][0-9])(?:/([0-9]{1,6}))?(?:@([0-9]{1,8}))?\z")

    let retryAfter =
        if parts.Groups[2].Success then Some parts.Groups[2].Value else None

    let outcome, says =
        match parts.Groups[1].Value with
        | "dns" -> fault FaultKind.NameResolution "the host's name is not known"
        | "refused" -> fault FaultKind.ConnectionRefused "connection refused"
        | "connect-timeout" -> fault FaultKind.ConnectTimeout "no connection in time"
        | "tls" -> fault FaultKind.TlsHandshake "the TLS handshake failed"
        | "certificate" -> fault FaultKind.CertificateUntrusted "the certificate is not trusted"
        | "stall" -> fault FaultKind.StallTimeout "no byte moved"
        | "timeout" -> lostReply FaultKind.RequestTimeout "no reply in time"
        | "reset" -> lostReply FaultKind.ConnectionReset "reset after the whole body"
        | "damaged" -> reply 400 "BadDigest" retryAfter
        | "expired" -> reply 403 "ExpiredToken" retryAfter
        | "503" -> reply 503 "SlowDown" retryAfter
        | status when status.Length = 3 && Char.IsAsciiDigit status[0] -> reply (int status) "" retryAfter
        | _ -> stop 2 usage

    {
        Says = says
        Took = ms (if parts.Groups[3].Success then int parts.Groups[3].Value else 100)
        Outcome = outcome
    }

// The arguments.

type Options = {
    Mode: RetryMode
    Numbers: Map<string, int>
    File: string option
    Outcomes: string list
}

let rec parse (options: Options) (arguments: string list) =
    match arguments with
    | "--mode" :: "fixed" :: rest -> parse { options with Mode = RetryMode.Fixed } rest
    | "--mode" :: "exponential" :: rest ->
        parse
            {
                options with
                    Mode = RetryMode.Exponential
            }
            rest
    | ("--attempts" | "--backoff" | "--cap" | "--deadline" | "--timeout" | "--seed" as name) :: number :: rest ->
        match Int32.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture) with
        | true, number ->
            parse
                {
                    options with
                        Numbers = options.Numbers.Add(name, number)
                }
                rest
        | _ -> stop 2 usage
    | name :: _ when name.StartsWith '-' -> stop 2 usage
    | file :: rest when options.File.IsNone && file.EndsWith ".svg" ->
        parse { options with File = Some file } rest
    | outcomes -> { options with Outcomes = outcomes }

let options =
    List.tail (List.ofArray fsi.CommandLineArgs)
    |> parse {
        Mode = RetryMode.Exponential
        Numbers = Map.empty
        File = None
        Outcomes = []
    }

let number name whenNone =
    options.Numbers.TryFind name |> Option.defaultValue whenNone

let events =
    match options.Outcomes with
    | [] -> [ "dns@40"; "503/2@60"; "reset@900"; "damaged@700"; "200@800" ]
    | outcomes -> outcomes
    |> List.map eventOf

let orStop (result: Result<'value, Refusal list>) =
    match result with
    | Ok value -> value
    | Error refusals -> refusals |> List.map _.Message |> String.concat "\n" |> stop 2

let retry =
    let attempts = number "--attempts" 5

    if attempts > 50 then
        stop 2 "There is room for 50 attempts in the drawing."

    RetryPolicy.create options.Mode attempts (ms (number "--backoff" 500)) (ms (number "--cap" 20_000))
    |> orStop

let limits =
    orStop (
        Limits.check {
            Limits.defaults with
                RequestTimeout = ms (number "--timeout" 30_000)
                Deadline = options.Numbers.TryFind "--deadline" |> Option.map ms
        }
    )

// The driver: it does what the machine says, which here is to look into the list, and reports what came of it.

/// Of a verdict: how its bar looks.
let lookOf (verdict: Verdict) =
    match verdict with
    | Verdict.Accepted _
    | Verdict.AcceptedIfConfirmed _ -> Look.Accepted
    | Verdict.Retry _
    | Verdict.WithoutExpect
    | Verdict.RetryOnce -> Look.Again
    | Verdict.FreshUrl
    | Verdict.Stop _ -> Look.Over

let attempts (count: int) =
    if count = 1 then "1 attempt" else $"{count} attempts"

let pieces =
    let target = {
        Target.create
            (get (CellId.create "cell-42"))
            (get (Bucket.create "evidence"))
            (Some(get (UrlTemplate.parse "https://gw.example/{cell_id}/{artifact_name}"))) with
            Retry = retry
            Limits = limits
    }

    let plan = get (PushPlan.create target (get (ArtifactName.create "events.jsonl")))
    let dice = Random(number "--seed" 1)
    let start = DateTimeOffset(2026, 4, 1, 8, 30, 0, TimeSpan.Zero)

    /// An attempt is cut where its time is up.
    let within (request: PutRequest) (event: Event) =
        if event.Took < request.Timeout then
            event
        else
            {
                eventOf "timeout" with
                    Took = request.Timeout
            }

    let rec go (state: State) (now: DateTimeOffset) (input: Input) (events: Event list) = [
        let struct (state, output) = Push.step state input

        match output with
        | Output.Put request ->
            let event = within request events.Head
            let next = now + event.Took

            let verdict =
                Verdict.ofOutcome
                    {
                        Circumstances.defaults with
                            WriteOnce = target.WriteOnce
                            Expected = request.ExpectContinue
                            IsPresigned = RequestUrl.isPresigned request.Url
                    }
                    event.Outcome

            Attempt(request.Attempt, now - start, next - start, event.Says, lookOf verdict)
            let rest = if events.Tail.IsEmpty then events else events.Tail
            yield! go state next (Input.Attempted(next, dice.NextDouble(), event.Outcome)) rest
        | Output.Wait until ->
            Wait(now - start, until - start)
            yield! go state until (Input.Woke until) events
        | Output.TakeDigests(algorithms, _) ->
            yield! go state now (Input.DigestsTaken(now, algorithms |> List.choose sent.Digest)) events
        | Output.AskUrl _ -> yield! go state now (Input.NoUrl(now, "there is no source of URLs")) events
        | Output.Done receipt ->
            End(now - start, $"stored ({receipt.Integrity}) after {attempts receipt.Attempts}")
        | Output.Failed failure -> End(now - start, $"{failure.Kind} after {attempts failure.Attempts}")
    ]

    go (Push.create plan) start (Input.Started(start, length)) events

// The table.

let table =
    let row (what: string) (from: TimeSpan) (until: TimeSpan) (says: string) =
        (invariant $"{what, -8}{from.TotalSeconds, 9:F3} s{until.TotalSeconds, 9:F3} s   {says}").TrimEnd()

    pieces
    |> List.map (fun piece ->
        match piece with
        | Attempt(number, from, until, says, _) -> row $"PUT {number}" from until says
        | Wait(from, until) -> row "wait" from until ""
        | End(at, says) -> row "end" at at says)

let svg = draw (string retry) limits.Deadline pieces

match options.File with
| None ->
    table |> List.iter (eprintfn "%s")
    printfn "%s" svg
| Some file ->
    try
        File.WriteAllText(file, svg + "\n")
    with
    | :? IOException
    | :? UnauthorizedAccessException -> stop 1 $"The file {Shown.line file} cannot be written."

    table |> List.iter (printfn "%s")
