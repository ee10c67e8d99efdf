// An experiment: drives the push machine by hand through a bad day, with a clock made up on the spot, and
// prints what it decided and when. Nothing is sent and nobody waits.
//
//     ./build.sh
//     dotnet fsi samples/retry-schedule.fsx

#r "../src/bin/Release/net10.0/FsToolkit.ErrorHandling.dll"
#r "../src/bin/Release/net10.0/CellOS.Export.S3.Core.dll"

open System
open CellOS.Export.S3.Core

let ms (count: int) = TimeSpan.FromMilliseconds(float count)

/// The value, or the end of the experiment with the reason of the refusal.
let get (result: Result<'value, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> failwith refusal.Message

// What is to be exported, and where to. The signature is made up: it need not convince anyone.

let url =
    "https://evidence.s3.eu-central-1.amazonaws.com/cell-42/events.jsonl?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    + "&X-Amz-Credential=AKEXAMPLE%2F20260401%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260401T080000Z"
    + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=c0ffee"

let plan mode attempts =
    let target =
        Target.create
            (get (CellId.create "cell-42"))
            (get (Bucket.create "evidence"))
            (Some(get (UrlTemplate.parse url)))

    let retry =
        match RetryPolicy.create mode attempts (ms 500) (ms 20_000) with
        | Ok policy -> policy
        | Error refusals -> failwithf "%A" refusals

    get (PushPlan.create { target with Retry = retry } (get (ArtifactName.create "events.jsonl")))

let length = 4692L

let digest algorithm hex =
    Digest.tryParseHex algorithm hex |> Option.get

/// What an attempt sends, when it gets to send all of it.
let sent: Sent = {
    Bytes = length
    Sha256 = digest DigestAlgorithm.Sha256 "235eb9e62d8861e6126255820d588110319a33064ebf4254aa8d13b78b8d1727"
    Others = [ digest DigestAlgorithm.Md5 "fb82e2376aaaa080a0b19e1710c04698" ]
}

// A bad day: what each attempt comes to, and how long that takes.

type Event = {
    Says: string
    After: TimeSpan
    Outcome: Outcome
}

let s3Error code message : S3Error = {
    Code = code
    Message = Some message
    RequestId = Some "4442587FB7D0A2F9"
    HostId = None
    Region = None
    Endpoint = None
    Details = []
}

let unknownHost = {
    Says = "the name of the host is not known"
    After = ms 40
    Outcome =
        Outcome.NotSent(Fault.Create(FaultKind.NameResolution, "the host name could not be resolved", 0L))
}

let slowDown = {
    Says = "503 SlowDown, Retry-After: 2"
    After = ms 60
    Outcome =
        Outcome.Replied {
            Reply.Of 503 with
                RetryAfter = Some "2"
                Error = Some(s3Error "SlowDown" "Please reduce your request rate.")
        }
}

let reset = {
    Says = "a reset after the whole body: it may have arrived"
    After = ms 300
    Outcome = Outcome.Unknown(Fault.Create(FaultKind.ConnectionReset, "the connection was reset", length))
}

let badDigest = {
    Says = "400 BadDigest: the bytes arrived damaged"
    After = ms 250
    Outcome =
        Outcome.Replied {
            Reply.Of 400 with
                Error =
                    Some(s3Error "BadDigest" "The Content-MD5 you specified did not match what we received.")
                Sent = Some sent
        }
}

let stored = {
    Says = "200, and the ETag is the MD5 of what was sent"
    After = ms 200
    Outcome =
        Outcome.Replied {
            Reply.Of 200 with
                ETag = sent.Md5 |> Option.map (fun md5 -> $"\"{md5}\"")
                Sent = Some sent
        }
}

let badDay = [ unknownHost; slowDown; reset; badDigest; stored ]

// The driver: it does what the machine says and reports what came of it. The facade's is the same loop, with
// HttpClient in place of the list and a real clock.

let drive (plan: PushPlan) (roll: float) (day: Event list) =
    let start = DateTimeOffset(2026, 4, 1, 8, 30, 0, TimeSpan.Zero)

    let say (at: DateTimeOffset) text =
        printfn "  t+%-7s %s" ((at - start).TotalSeconds.ToString "0.000") text

    let rec go (state: State) (now: DateTimeOffset) (input: Input) (day: Event list) =
        let struct (state, output) = Push.step state input

        match output, day with
        | Output.Put request, event :: rest ->
            say now $"PUT {request.Attempt}"
            let now = now + event.After
            say now $"  {event.Says}"
            go state now (Input.Attempted(now, roll, event.Outcome)) rest
        | Output.Wait until, _ ->
            say now $"wait {(until - now).TotalMilliseconds:N0} ms"
            go state until (Input.Woke until) day
        | Output.AskUrl(attempt, _), _ ->
            go state now (Input.NoUrl(now, $"nobody has a URL for attempt {attempt}")) day
        | Output.TakeDigests(algorithms, _), _ ->
            say now $"take {algorithms}"
            go state now (Input.DigestsTaken(now, algorithms |> List.choose sent.Digest)) day
        | Output.Done receipt, _ -> say now $"done: {Receipt.toJson receipt}"
        | Output.Failed failure, _ -> say now $"failed, {failure.Kind}: {failure.Message}"
        | Output.Put request, [] -> say now $"PUT {request.Attempt}, and the day is over"

    go (Push.create plan) start (Input.Started(start, length)) day

let title text = printfn $"\n{text}\n"

title "A bad day, 500 ms between attempts. Retry-After makes one wait longer:"
drive (plan RetryMode.Fixed 5) 0. badDay

for roll, name in [ 0., "0"; 0.5, "½"; Math.BitDecrement 1., "just under 1" ] do
    title $"The same day with the exponential schedule, every roll of the dice {name}:"
    drive (plan RetryMode.Exponential 5) roll badDay

title "A day that ends badly: damaged a second time, so no third try:"
drive (plan RetryMode.Fixed 5) 0. [ unknownHost; badDigest; badDigest; stored ]

title "Three attempts are not enough for the bad day; the last one may have arrived:"
drive (plan RetryMode.Fixed 3) 0. badDay
