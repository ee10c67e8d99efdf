namespace CellOS.Export.S3.Core

open System

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
    /// The driver broke the protocol of the push machine: a bug, of whoever drives it.
    | Internal

/// What follows from one attempt.
[<RequireQualifiedAccess>]
type Verdict =
    /// A 2xx after the whole body: integrity has the last word.
    | Accepted of Reply: Reply * Sent: Sent
    /// Try again, within the limits.
    | Retry of IfItWasTheLast: FailureKind
    /// The bytes arrived damaged: try again once, if the source is unchanged.
    | RetryOnce
    /// Try again with a fresh URL, if there is a source of them.
    | FreshUrl
    /// Ends the push.
    | Stop of FailureKind

/// The verdict table. Rules that it keeps:
/// - 3xx and 412 end the push whatever else the reply says, 403 unless the URL has expired; then the S3 code
///   counts, then the status;
/// - a success counts only once the whole body has been sent.
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

    let private codeOf (reply: Reply) =
        match reply.Error with
        | Some error -> error.Code
        | None -> ""

    /// S3 answers an expired presigned URL with 403 AccessDenied and a message that says so.
    let private saysExpired (reply: Reply) =
        match reply.Error with
        | Some { Code = "ExpiredToken" } -> true
        | Some {
                   Code = "AccessDenied"
                   Message = Some message
               } -> message.Contains("expired", StringComparison.OrdinalIgnoreCase)
        | _ -> false

    // The ordinary verdict of an attempt that has failed.
    let private unavailable = Verdict.Retry FailureKind.Unavailable

    let private ofReply (writeOnce: bool) (reply: Reply) =
        match reply.Status, codeOf reply with
        | status, _ when status >= 200 && status <= 299 ->
            match reply.Sent with
            | Some sent -> Verdict.Accepted(reply, sent)
            | None -> Verdict.Retry FailureKind.Unreachable
        | status, _ when status < 200 || status > 599 -> Verdict.Stop FailureKind.Refused
        | status, _ when status <= 399 -> Verdict.Stop FailureKind.Redirected
        | 412, _ when writeOnce -> Verdict.Stop FailureKind.AlreadyExists
        | 412, _ -> Verdict.Stop FailureKind.Refused
        | _ when saysExpired reply -> Verdict.FreshUrl
        | 403, _ -> Verdict.Stop FailureKind.Refused
        | _, code when isTerminal code -> Verdict.Stop FailureKind.Refused
        | _, code when isTransient code -> unavailable
        | 400, "RequestTimeout" -> Verdict.Retry FailureKind.TimedOut
        | 400, code when isDamage code -> Verdict.RetryOnce
        | 409, ("OperationAborted" | "ConditionalRequestConflict") -> unavailable
        | (408 | 429), _ -> unavailable
        | (501 | 505), _ -> Verdict.Stop FailureKind.Refused
        | status, _ when status >= 500 -> unavailable
        | _ -> Verdict.Stop FailureKind.Refused

    /// Statuses that another try may change, where a proxy could not or would not connect for now.
    let private isPassing (status: int) =
        status = 408
        || status = 429
        || (status >= 500 && status <= 599 && status <> 501 && status <> 505)

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

    /// What follows from an attempt, with or without `If-None-Match: *`.
    [<CompiledName("Of")>]
    let ofOutcome (writeOnce: bool) (outcome: Outcome) : Verdict =
        match outcome with
        | Outcome.Replied reply -> ofReply writeOnce reply
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> ofFault fault

    /// Whether the object may have been stored by an attempt that gave no receipt: it had no reply after the
    /// whole body, or its reply says that the server failed half-way or spoke too early.
    [<CompiledName("MayHaveStored")>]
    let mayHaveStored (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent _ -> false
        | Outcome.Unknown _ -> true
        | Outcome.Replied reply ->
            (reply.Status >= 200 && reply.Status <= 299)
            || (reply.Status >= 500 && reply.Sent.IsSome)
