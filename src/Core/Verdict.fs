namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// Why a push ended without a receipt.
[<RequireQualifiedAccess>]
type FailureKind =
    /// There is no such file.
    | SourceNotFound
    /// The source is no regular file.
    | SourceNotAFile
    /// The file may not be read.
    | SourceAccessDenied
    /// Reading the file failed.
    | SourceUnreadable
    /// The file changed while it was read.
    | SourceChanged
    /// The file is larger than the target allows.
    | SourceTooLarge
    /// The URL cannot carry this request: it signs a header that nobody supplies, or it is taken.
    | UrlUnusable
    /// The URL has expired.
    | UrlExpired
    /// The server, or a proxy on the way to it, refused the request, and would again.
    | Refused
    /// The server pointed elsewhere. Redirects are never followed: the signature is for one host.
    | Redirected
    /// Write-once: there is an object under this key already.
    | AlreadyExists
    /// The server could not serve the request, in the last of all attempts.
    | Unavailable
    /// The server could not be reached, or the connection broke, in the last of all attempts.
    | Unreachable
    /// A time limit struck, in the last of all attempts.
    | TimedOut
    /// The deadline over all attempts.
    | DeadlineExceeded
    /// The server's certificate is not trusted or names another host.
    | CertificateRejected
    /// The server received or stored other bytes than were sent.
    | IntegrityMismatch
    /// The server accepted the object and confirmed no digest, where one is required.
    | Unverified
    /// The success is not a store's: its body is a page or reports an error.
    | NotAStore
    /// The success has no mark of a store, and the URL is presigned: a proxy or a portal may have answered.
    | Unconfirmed
    /// This process or its host lacks memory, file descriptors, a home directory or the like.
    | LocalFault
    /// The driver broke the protocol of the push machine: a bug, of whoever drives it.
    | Internal

/// What follows from one attempt.
[<RequireQualifiedAccess>]
type Verdict =
    /// A 2xx after the whole body, which may come from a store: integrity has the last word.
    | Accepted of Reply: Reply * Sent: Sent
    /// Try again, within the limits.
    | Retry of IfItWasTheLast: FailureKind
    /// The bytes arrived damaged: try again once, if the source is unchanged.
    | RetryOnce
    /// Try again with a fresh URL, if there is a source of them.
    | FreshUrl
    /// Send the same attempt again without `Expect`, which the server does not support (RFC 9110, 10.1.1).
    | WithoutExpect
    /// Ends the push.
    | Stop of FailureKind

/// The circumstances of an attempt that a verdict depends on, besides its outcome.
type Circumstances = {
    /// True if `If-None-Match: *` was sent.
    WriteOnce: bool
    /// True if `Expect: 100-continue` was sent.
    Expected: bool
    /// True if the URL has a signature, so that a store answers it, with a mark of its own.
    IsPresigned: bool
    /// True if a success without a mark of a store counts all the same.
    AcceptUnmarked: bool
    /// True if the URL had expired by its own words when the response came.
    IsPastExpiry: bool
    /// True if the URL's query fixes a checksum of other content than was sent, so that a store refuses every attempt.
    FixesOtherChecksum: bool
}

/// Makes circumstances.
[<RequireQualifiedAccess>]
module Circumstances =
    /// A presigned URL that has not expired, sent without `Expect` and without write-once.
    [<CompiledName("Defaults")>]
    let defaults = {
        WriteOnce = false
        Expected = false
        IsPresigned = true
        AcceptUnmarked = false
        IsPastExpiry = false
        FixesOtherChecksum = false
    }

/// The verdict table. Rules that it keeps:
/// - 3xx and 412 end the push whatever else the response says, 403 unless the URL has expired; then the S3 code
///   counts, then the status;
/// - a success counts only once the whole body has been sent, and only if it can come from a store: its body is neither
///   a page nor an error, and the response to a presigned URL carries a mark of a store.
[<RequireQualifiedAccess>]
module Verdict =

    /// Codes that end the push with any status (`ExpiredToken` does so, too, but for a fresh URL).
    let private isTerminal (code: string) =
        match code with
        | "InvalidToken"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "AccessDenied" -> true
        | _ -> false

    /// Codes that say that the server is at fault, with any status.
    let private isTransient (code: string) =
        match code with
        | "InternalError"
        | "SlowDown"
        | "ServiceUnavailable" -> true
        | _ -> false

    /// Codes that say that the body did not arrive as it was sent.
    let private isDamage (code: string) =
        code = "BadDigest" || code = "IncompleteBody"

    /// Codes that say that a checksum is not that of the body (Cloudflare R2, MinIO, SeaweedFS, Garage).
    let private isOtherChecksum (code: string) =
        match code with
        | "BadDigest"
        | "InvalidDigest"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch"
        | "ContentChecksumMismatch" -> true
        | _ -> false

    /// Codes that say that the store, or the quota, is full (Ceph, MinIO, Huawei OBS, SeaweedFS).
    let private isFull (code: string) =
        match code with
        | "QuotaExceeded"
        | "XMinioStorageFull"
        | "InsufficientStorageSpace"
        | "InsufficientStorage" -> true
        | _ -> false

    let private codeOf (reply: Reply) =
        match reply.Error with
        | Some error -> error.Code
        | None -> ""

    /// True if the response says that the store or a quota is full.
    [<CompiledName("SaysFull")>]
    let saysFull (reply: Reply) =
        reply.Status = 507 || isFull (codeOf reply)

    /// All that the response says in words.
    let private words (reply: Reply) =
        String.Join(
            '\n',
            [
                match reply.Error with
                | Some error ->
                    error.Code
                    yield! Option.toList error.Message

                    for detail in error.Details do
                        detail.Content
                | None -> ()

                match reply.Body with
                | Some body -> body.VisibleText
                | None -> ()
            ]
        )

    /// The names of parameters, such as `X-Amz-Expires`, which say nothing about an expiry.
    let private isParameter (text: string) (at: int) =
        let isPart c =
            Char.IsAsciiLetterOrDigit c || c = '-' || c = '_'

        let mutable first = at

        while first > 0 && isPart text[first - 1] do
            first <- first - 1

        let mutable stop = at

        while stop < text.Length && isPart text[stop] do
            stop <- stop + 1

        let name = text.Substring(first, stop - first)

        name.EndsWith("xpires", StringComparison.Ordinal)
        && (name.Contains '-' || name.Contains '_' || first > 0 && name = "Expires")

    /// The time in brackets behind a word, as Azure writes it: `Start [Fri, 01 May 2026 12:00:00 GMT]`.
    let private timeBehind (word: string) (text: string) =
        match text.IndexOf(word + " [", StringComparison.Ordinal) with
        | -1 -> None
        | i ->
            let first = i + word.Length + 2

            match text.IndexOf(']', first) with
            | -1 -> None
            | stop ->
                match
                    DateTimeOffset.TryParse(
                        text.AsSpan(first, stop - first),
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal
                    )
                with
                | true, at -> Some at
                | _ -> None

    /// True if the text names a time frame that has not begun yet.
    let private isNotYetValid (text: string) =
        match timeBehind "Start" text, timeBehind "Current" text with
        | Some start, Some current -> current < start
        | _ -> false

    /// True if a text says "expired" in any form: `ExpiredToken`, "has expired", "Expiry", "expiration".
    let private speaksOfExpiry (text: string) =
        let rec from (at: int) =
            match text.IndexOf("expir", at, StringComparison.OrdinalIgnoreCase) with
            | -1 -> false
            | i when isParameter text i -> from (i + 5)
            | _ -> true

        from 0 && not (isNotYetValid text)

    /// True if the server says that the URL, or the token that it was signed with, has expired.
    [<CompiledName("SaysExpired")>]
    let saysExpired (reply: Reply) =
        match reply.Status with
        | 400
        | 401
        | 403
        | 404 -> speaksOfExpiry (words reply)
        | _ -> codeOf reply = "ExpiredToken"

    // The ordinary verdict of an attempt that has failed.
    let private unavailable = Verdict.Retry FailureKind.Unavailable

    /// True if the body of a success is a page or an error document.
    let private contradicts (reply: Reply) =
        reply.Error.IsSome || reply.Body |> Option.exists _.IsError

    let private ofSuccess (given: Circumstances) (reply: Reply) =
        match reply.Sent with
        | _ when contradicts reply ->
            match codeOf reply with
            | code when isTransient code -> Verdict.Retry FailureKind.NotAStore
            | code when isDamage code -> Verdict.RetryOnce
            | "ExpiredToken" -> Verdict.FreshUrl
            | _ -> Verdict.Stop FailureKind.NotAStore
        | None -> Verdict.Retry FailureKind.Unreachable
        | Some _ when given.IsPresigned && not given.AcceptUnmarked && not reply.IsMarked ->
            Verdict.Stop FailureKind.Unconfirmed
        | Some sent -> Verdict.Accepted(reply, sent)

    let private ofReply (given: Circumstances) (reply: Reply) =
        match reply.Status, codeOf reply with
        | _ when reply.IsSuccess -> ofSuccess given reply
        | status, _ when status < 200 || status > 599 -> Verdict.Stop FailureKind.Refused
        | status, _ when status <= 399 -> Verdict.Stop FailureKind.Redirected
        | 412, _ when given.WriteOnce -> Verdict.Stop FailureKind.AlreadyExists
        | 412, _ -> Verdict.Stop FailureKind.Refused
        | 417, _ when given.Expected -> Verdict.WithoutExpect
        | _ when saysExpired reply -> Verdict.FreshUrl
        | (401 | 403), _ when given.IsPastExpiry -> Verdict.FreshUrl
        | 403, _ -> Verdict.Stop FailureKind.Refused
        | _, code when isTerminal code -> Verdict.Stop FailureKind.Refused
        | _, code when isTransient code -> unavailable
        | _, code when given.FixesOtherChecksum && isOtherChecksum code ->
            Verdict.Stop FailureKind.UrlUnusable
        | 400, "RequestTimeout" -> Verdict.Retry FailureKind.TimedOut
        | 400, code when isDamage code -> Verdict.RetryOnce
        | 400, _ when given.IsPastExpiry -> Verdict.FreshUrl
        | 409, ("OperationAborted" | "ConditionalRequestConflict") -> unavailable
        | (408 | 429), _ -> unavailable
        | (501 | 505 | 507), _ -> Verdict.Stop FailureKind.Refused
        | _, code when isFull code -> Verdict.Stop FailureKind.Refused
        | status, _ when status >= 500 -> unavailable
        | _ -> Verdict.Stop FailureKind.Refused

    /// Statuses that another try may change, where a proxy could not or would not connect for now.
    let private isPassing (status: int) =
        status = 408
        || status = 429
        || (status >= 500
            && status <= 599
            && status <> 501
            && status <> 505
            && status <> 507)

    let private ofFault (fault: Fault) =
        match fault.Kind with
        | FaultKind.Proxy when fault.ProxyStatus |> Option.exists (isPassing >> not) ->
            Verdict.Stop FailureKind.Refused
        | FaultKind.NameResolution
        | FaultKind.ConnectionRefused
        | FaultKind.ConnectionReset
        | FaultKind.ConnectionClosed
        | FaultKind.InvalidReply
        | FaultKind.Network
        | FaultKind.Proxy
        | FaultKind.TlsHandshake -> Verdict.Retry FailureKind.Unreachable
        | FaultKind.NotTls
        | FaultKind.ProxyNotTls -> Verdict.Stop FailureKind.Unreachable
        | FaultKind.NoUrl -> Verdict.Retry FailureKind.Unavailable
        | FaultKind.LocalFault -> Verdict.Retry FailureKind.LocalFault
        | FaultKind.ConnectTimeout
        | FaultKind.RequestTimeout
        | FaultKind.StallTimeout -> Verdict.Retry FailureKind.TimedOut
        | FaultKind.RedirectFollowed -> Verdict.Stop FailureKind.Redirected
        | FaultKind.CertificateUntrusted
        | FaultKind.CertificateNameMismatch -> Verdict.Stop FailureKind.CertificateRejected
        | FaultKind.SourceNotFound -> Verdict.Stop FailureKind.SourceNotFound
        | FaultKind.SourceNotAFile -> Verdict.Stop FailureKind.SourceNotAFile
        | FaultKind.SourceAccessDenied -> Verdict.Stop FailureKind.SourceAccessDenied
        | FaultKind.SourceUnreadable -> Verdict.Stop FailureKind.SourceUnreadable
        | FaultKind.SourceChanged -> Verdict.Stop FailureKind.SourceChanged

    /// What follows from an attempt in the given circumstances.
    [<CompiledName("Of")>]
    let ofOutcome (given: Circumstances) (outcome: Outcome) : Verdict =
        match outcome with
        | Outcome.Replied reply -> ofReply given reply
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> ofFault fault

    /// True if the object may have been stored by an attempt that gave no receipt: it had no response after the whole
    /// body, or its response says that the server failed half-way or spoke too early, or is not a store's.
    [<CompiledName("MayHaveStored")>]
    let mayHaveStored (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent _ -> false
        | Outcome.Unknown _ -> true
        | Outcome.Replied reply ->
            reply.IsSuccess
            || (reply.Status >= 500 && reply.Sent.IsSome && not (saysFull reply))
