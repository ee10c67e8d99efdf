/// What both sides saw of a push, and the laws that hold whatever happened.
module Facade.Tests.FaultLaws

open System
open System.Diagnostics
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let seconds (count: float) = TimeSpan.FromSeconds count

// What a server saw.

/// A request, as the server saw it.
type Seen = {
    /// How much of the body it read.
    BodyBytes: int64
    /// SHA-256 of the whole body; none if it did not come as far as that.
    BodySha256: string option
    /// The final status that it sent.
    Status: int option
    /// Whether that was sent after the whole body.
    IsAfterBody: bool
}

/// What a server saw of a push, and what it holds.
type Account = {
    Requests: Seen list
    Connections: int
    /// How often an object was stored under the destination.
    Stores: int
    /// SHA-256 of the object that is there in the end.
    Held: string option
    /// Connections to where a redirect points.
    Elsewhere: int
}

/// What has been added since an earlier account.
let since (before: Account) (after: Account) = {
    Requests = List.skip before.Requests.Length after.Requests
    Connections = after.Connections - before.Connections
    Stores = after.Stores - before.Stores
    Held = after.Held
    Elsewhere = after.Elsewhere
}

/// The account that a LoopbackS3 gives of one key.
let accountOf (server: LoopbackS3Server) (key: string) =
    let requests = server.Requests |> Seq.filter (fun r -> r.Key = key) |> List.ofSeq

    let stored =
        match server.Objects.TryGetValue(struct (bucket, key)) with
        | true, stored -> Some stored
        | _ -> None

    {
        Requests = [
            for r in requests do
                // An empty body is there with the head.
                let whole =
                    match r.BodySha256, r.Headers.TryGetValue "Content-Length" with
                    | null, (true, "0") -> Some(sha256 [||])
                    | digest, _ -> Option.ofObj digest

                {
                    BodyBytes = r.BodyBytes
                    BodySha256 = whole
                    Status = Option.ofNullable r.Status
                    IsAfterBody = whole.IsSome
                }
        ]
        Connections = requests |> List.distinctBy _.ConnectionId |> List.length
        Stores = stored |> Option.map _.PutCount |> Option.defaultValue 0
        Held = stored |> Option.map _.Sha256
        Elsewhere = 0
    }

// What a push is allowed, and what came of it.

/// The limits of a push, and what else a row may want to set.
type Setup = {
    Attempts: int
    Backoff: TimeSpan
    RequestTimeout: TimeSpan
    ConnectTimeout: TimeSpan
    StallTimeout: TimeSpan option
    Deadline: TimeSpan option
    ExpectFrom: int64 option
    Integrity: S3ExportIntegrity
    WriteOnce: bool
}

let setup = {
    Attempts = 3
    Backoff = TimeSpan.Zero
    RequestTimeout = seconds 20.
    ConnectTimeout = seconds 10.
    StallTimeout = None
    Deadline = None
    ExpectFrom = Some(1L <<< 20)
    Integrity = S3ExportIntegrity.Verify
    WriteOnce = false
}

let optionsOf
    (setup: Setup)
    (url: string | null)
    (provider: Func<PresignedUrlRequest, CancellationToken, ValueTask<string>> | null)
    (caBundle: string | null)
    =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        PresignedUrlProvider = provider,
        CellId = cellId,
        Bucket = bucket,
        CaBundle = caBundle,
        MaxAttempts = setup.Attempts,
        RetryBackoff = setup.Backoff,
        RequestTimeout = setup.RequestTimeout,
        ConnectTimeout = setup.ConnectTimeout,
        StallTimeout = Option.toNullable setup.StallTimeout,
        Deadline = Option.toNullable setup.Deadline,
        ExpectContinueMinBytes = Option.toNullable setup.ExpectFrom,
        Integrity = setup.Integrity,
        WriteOnce = setup.WriteOnce
    )

/// A push that has ended.
type Run = {
    Outcome: Result<ExportReceipt, ExportException>
    Elapsed: TimeSpan
    /// All that was logged of it.
    Log: string list
}

/// How a push ends, and after what time.
let timed (log: unit -> string list) (push: unit -> Task<ExportReceipt>) =
    task {
        let watch = Stopwatch.StartNew()

        let! outcome =
            task {
                try
                    let! receipt = push ()
                    return Ok receipt
                with :? ExportException as failure ->
                    return Error failure
            }

        return {
            Outcome = outcome
            Elapsed = watch.Elapsed
            Log = log ()
        }
    }

// The laws.

/// The longest time that the limits allow: all attempts to their ends, and the longest waits between them.
let private longest (setup: Setup) =
    let attempts = float setup.Attempts
    // The default cap of what a server may ask for.
    let wait = max setup.Backoff (seconds 20.)
    let all = attempts * setup.RequestTimeout + (attempts - 1.) * wait

    match setup.Deadline with
    | Some deadline -> min deadline all
    | None -> all

/// A machine that does something else for a while breaks no promise of this library.
let private slack = seconds 20.

/// The values of a presigned URL that are the credential, as they are in it and decoded.
let private secretsOf (url: string) = [
    for m in Regex.Matches(url, "(?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=([^&]*)") do
        m.Groups[1].Value
        Uri.UnescapeDataString m.Groups[1].Value
]

/// What holds for every push, whatever the fault: its receipt is true, and its failure does not deny what was stored;
/// it makes no more requests and takes no more time than it may; it tells no secret and goes nowhere else.
let obeysTheLaws (setup: Setup) (url: string) (key: string) (content: byte[]) (account: Account) (run: Run) =
    let digest = sha256 content

    // One attempt is sent again, without Expect, after a 417.
    let refused =
        account.Requests
        |> List.filter (fun request -> request.Status = Some 417)
        |> List.length

    Expect.isLessThan refused 2 "no more than one 417"

    Expect.isLessThan
        account.Requests.Length
        (setup.Attempts + refused + 1)
        $"no more requests than attempts are allowed ({setup.Attempts})"

    Expect.isLessThan account.Connections (setup.Attempts + refused + 1) "no more connections than attempts"

    Expect.equal account.Elsewhere 0 "nothing goes where a redirect points"

    Expect.isLessThan run.Elapsed (longest setup + slack) "no longer than the limits allow"

    let texts =
        match run.Outcome with
        | Ok receipt ->
            let last = account.Requests |> List.tryLast
            let last = Expect.wantSome last "a receipt is for a request that the server saw"
            Expect.equal last.BodySha256 (Some digest) "the server had exactly the source's bytes"
            Expect.isTrue last.IsAfterBody "and answered when it had them"

            Expect.isTrue
                (last.Status |> Option.exists (fun status -> status >= 200 && status <= 299))
                "the answer was a success"

            if setup.Integrity <> S3ExportIntegrity.Off && account.Stores > 0 then
                Expect.equal account.Held (Some digest) "what is stored is the source"

            Expect.equal receipt.Sha256 digest "the receipt's SHA-256"
            Expect.equal receipt.BytesWritten content.LongLength "the receipt's bytes"
            Expect.equal receipt.BytesWritten last.BodyBytes "as many as the server read"
            Expect.equal receipt.Destination $"s3://{bucket}/{key}" "the receipt's destination"
            Expect.equal receipt.ObjectUrl (url.Split('?')[0]) "the receipt's URL"
            Expect.isLessThan receipt.Attempts (setup.Attempts + 1) "no more attempts than allowed"

            Expect.isLessThan
                account.Requests.Length
                (receipt.Attempts + refused + 1)
                "no request that the receipt does not count"

            Expect.equal
                (receipt.Integrity <> "unverified")
                (setup.Integrity <> S3ExportIntegrity.Off && receipt.ETag = $"\"{md5 content}\"")
                "it is verified if, and only if, the server confirmed the MD5"

            [ receipt.ToJson(); string receipt ]
        | Error failure ->
            if not failure.MayBeStored then
                Expect.equal account.Stores 0 "a failure that is certain of it: nothing was stored"

            Expect.equal failure.Destination $"s3://{bucket}/{key}" "the failure's destination"
            Expect.stringContains failure.Message $"s3://{bucket}/{key}" "and where its message tells of it"
            Expect.isLessThan failure.Attempts (setup.Attempts + 1) "no more attempts than allowed"

            Expect.isLessThan
                account.Requests.Length
                (failure.Attempts + 1)
                "no request that the failure does not count"

            Expect.isNull failure.InnerException "nothing of the request hangs on the failure"
            [ failure.ToJson(); string failure ]

    for text in texts @ run.Log do
        if text |> Seq.exists (fun c -> Char.IsControl c && not (Char.IsWhiteSpace c)) then
            failtest $"a control character is told:\n{text}"

        for secret in secretsOf url do
            if text.Contains secret then
                failtest $"a secret is told:\n{text}"
