namespace CellOS.Export.S3.Core

open System

/// The wait between two attempts. It holds no secret.
type RetryWait = {
    /// The number of the attempt after the wait, 2 or more.
    NextAttempt: int
    /// The end of the wait.
    Until: DateTimeOffset
    /// The reason in a few words: `503 SlowDown`, `connection reset`.
    Reason: string
}

/// The outcome of an attempt, for traces, metrics and displays. It holds no secret.
type AttemptReport = {
    /// The HTTP status of the server's reply.
    Status: int option
    /// The S3 error code of the reply.
    Code: string option
    /// `x-amz-request-id`.
    RequestId: string option
    /// `x-amz-id-2`.
    HostId: string option
    /// What kind of error it was, in one of few words: see `ErrorType`. `None` where the server accepted the body, and
    /// where the caller did not wait for what it says.
    ErrorType: string option
}

/// One word for each kind of error, as OpenTelemetry wants them for `error.type`: few, predictable, and the same from
/// version to version. Those of whole pushes are the names of `FailureKind`.
[<RequireQualifiedAccess>]
module ErrorType =
    /// A success that came before the body had been sent, and so says nothing of it.
    [<Literal>]
    let EarlyReply = "EarlyReply"

    /// The name of the kind of fault.
    [<CompiledName("OfFault")>]
    let ofFault (kind: FaultKind) : string =
        match kind with
        | FaultKind.NameResolution -> "NameResolution"
        | FaultKind.ConnectionRefused -> "ConnectionRefused"
        | FaultKind.ConnectionReset -> "ConnectionReset"
        | FaultKind.ConnectionClosed -> "ConnectionClosed"
        | FaultKind.ConnectTimeout -> "ConnectTimeout"
        | FaultKind.RequestTimeout -> "RequestTimeout"
        | FaultKind.StallTimeout -> "StallTimeout"
        | FaultKind.RedirectFollowed -> "RedirectFollowed"
        | FaultKind.InvalidReply -> "InvalidReply"
        | FaultKind.Network -> "Network"
        | FaultKind.Proxy -> "Proxy"
        | FaultKind.TlsHandshake -> "TlsHandshake"
        | FaultKind.TlsTimeout -> "TlsTimeout"
        | FaultKind.ProxyTlsTimeout -> "ProxyTlsTimeout"
        | FaultKind.NotTls -> "NotTls"
        | FaultKind.ProxyNotTls -> "ProxyNotTls"
        | FaultKind.NoUrl -> "NoUrl"
        | FaultKind.LocalFault -> "LocalFault"
        | FaultKind.CertificateUntrusted -> "CertificateUntrusted"
        | FaultKind.CertificateNameMismatch -> "CertificateNameMismatch"
        | FaultKind.SourceNotFound -> "SourceNotFound"
        | FaultKind.SourceNotAFile -> "SourceNotAFile"
        | FaultKind.SourceAccessDenied -> "SourceAccessDenied"
        | FaultKind.SourceUnreadable -> "SourceUnreadable"
        | FaultKind.SourceChanged -> "SourceChanged"

    /// The kind of fault, or the status of a reply that is no success.
    [<CompiledName("OfOutcome")>]
    let ofOutcome (outcome: Outcome) : string option =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> Some(ofFault fault.Kind)
        | Outcome.Replied reply when reply.Status < 200 || reply.Status > 299 ->
            Some(Check.invariant $"{reply.Status}")
        | Outcome.Replied reply when reply.Sent.IsNone -> Some EarlyReply
        | Outcome.Replied _ -> None

/// Makes reports of attempts.
[<RequireQualifiedAccess>]
module AttemptReport =

    /// Of an attempt that came to nothing: the caller cancelled it, which is no error, or an error ended the push.
    [<CompiledName("CutShort")>]
    let cutShort (errorType: string option) : AttemptReport = {
        Status = None
        Code = None
        RequestId = None
        HostId = None
        ErrorType = errorType
    }

    /// The report of an attempt, made with the state that asked for it: whose secrets no server's words may repeat.
    [<CompiledName("Create")>]
    let create (state: State) (outcome: Outcome) : AttemptReport =
        let ofReply (pick: Reply -> string option) =
            match outcome with
            | Outcome.Replied reply -> pick reply |> State.shown state
            | _ -> None

        {
            Status =
                match outcome with
                | Outcome.Replied reply -> Some reply.Status
                | _ -> None
            Code = ofReply (fun reply -> reply.Error |> Option.map _.Code)
            RequestId =
                ofReply (fun reply ->
                    reply.RequestId |> Option.orElse (reply.Error |> Option.bind _.RequestId))
            HostId =
                ofReply (fun reply -> reply.HostId |> Option.orElse (reply.Error |> Option.bind _.HostId))
            ErrorType = ErrorType.ofOutcome outcome
        }

    let private faultInWords (kind: FaultKind) =
        match kind with
        | FaultKind.NameResolution -> "host name not found"
        | FaultKind.ConnectionRefused -> "no connection"
        | FaultKind.ConnectionReset -> "connection reset"
        | FaultKind.ConnectionClosed -> "connection closed"
        | FaultKind.ConnectTimeout -> "no connection in time"
        | FaultKind.RequestTimeout -> "no response in time"
        | FaultKind.StallTimeout -> "stalled"
        | FaultKind.RedirectFollowed -> "redirect followed"
        | FaultKind.InvalidReply -> "not an HTTP response"
        | FaultKind.Network -> "network failure"
        | FaultKind.Proxy -> "no connection by the proxy"
        | FaultKind.TlsHandshake -> "TLS handshake failed"
        | FaultKind.TlsTimeout
        | FaultKind.ProxyTlsTimeout -> "no TLS handshake in time"
        | FaultKind.NotTls -> "server without TLS"
        | FaultKind.ProxyNotTls -> "proxy without TLS"
        | FaultKind.NoUrl -> "no URL yet"
        | FaultKind.LocalFault -> "fault of this machine"
        | FaultKind.CertificateUntrusted
        | FaultKind.CertificateNameMismatch -> "certificate rejected"
        | FaultKind.SourceNotFound
        | FaultKind.SourceNotAFile
        | FaultKind.SourceAccessDenied
        | FaultKind.SourceUnreadable
        | FaultKind.SourceChanged -> "file not readable"

    /// Returns the outcome in a few words, for a display: `503 SlowDown`, `connection reset`. It is made with the state
    /// that asked for the attempt, and holds no secret.
    [<CompiledName("InWords")>]
    let inWords (state: State) (outcome: Outcome) : string =
        match outcome with
        | Outcome.NotSent fault
        | Outcome.Unknown fault -> faultInWords fault.Kind
        | Outcome.Replied reply ->
            match reply.Error |> Option.map _.Code |> State.shown state with
            | Some code when code <> "" -> Check.invariant $"{reply.Status} {Check.shorten 40 code}"
            | _ when not reply.IsSuccess -> Check.invariant $"HTTP {reply.Status}"
            | _ when reply.Sent.IsNone -> Check.invariant $"HTTP {reply.Status} before the end of the body"
            | _ when reply.IsCut -> Check.invariant $"HTTP {reply.Status} with an incomplete body"
            | _ -> "damaged on the way"
