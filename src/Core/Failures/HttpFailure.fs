namespace CellOS.Export.S3.Core

/// Says what happened and what to do when a push to a target of kind `http` failed: in the words of HTTP, not of a store.
/// `Failure` chooses between this and `FailureCause` with `FailureAdvice`.
[<RequireQualifiedAccess>]
module internal HttpFailure =

    /// The variable that sets an option, and the option in code.
    let private setting (option: string) (variable: string) (shared: string) (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some name -> $"{Variable.forTarget name variable} (in code: {option})"
        | None -> $"{shared} (in code: {option})"

    let private attempts =
        setting "MaxAttempts" Variable.HttpMaxAttempts Variable.SharedHttpMaxAttempts

    let private backoff =
        setting "RetryBackoff" Variable.HttpRetryBackoff Variable.SharedHttpRetryBackoff

    let private requestTimeout =
        setting "RequestTimeout" Variable.HttpRequestTimeout Variable.SharedHttpRequestTimeout

    let private connectTimeout =
        setting "ConnectTimeout" Variable.HttpConnectTimeout Variable.SharedHttpConnectTimeout

    let private token =
        setting "BearerToken" Variable.HttpToken Variable.SharedHttpToken

    let private refused (facts: FailureFacts) =
        match FailureFacts.reply facts with
        | Some reply when reply.Status = 407 ->
            match FailureFacts.proxy facts with
            | Some proxy -> $"{proxy.InWords} refused the upload: {FailureCause.lastEvent facts}"
            | None -> $"a proxy refused the upload: {FailureCause.lastEvent facts}"
        | Some reply when RefusalAdvice.wantsTls facts reply ->
            $"the server wants TLS, and the request was sent without it: {FailureCause.lastEvent facts}"
        | Some _ -> $"the server refused the upload: {FailureCause.lastEvent facts}"
        | None -> FailureCause.lastEvent facts

    /// Returns what happened, without a full stop.
    let cause (kind: FailureKind) (facts: FailureFacts) : string =
        match kind with
        | FailureKind.Refused -> refused facts
        | FailureKind.Redirected ->
            let target =
                match FailureFacts.reply facts |> Option.bind _.RedirectTo with
                | Some target -> $"; Location: {Check.shorten 100 target}"
                | None -> ""

            $"the server redirects the upload: {FailureCause.lastEvent facts}{target}"
        | FailureKind.UrlExpired -> "the URL has expired by its own words"
        | FailureKind.IntegrityMismatch ->
            match FailureFacts.reply facts with
            | Some reply when reply.Status < 300 ->
                "the server reported a digest of other bytes than were sent, and has confirmed no attempt since"
            | _ -> $"the server received other bytes than those sent: {FailureCause.lastEvent facts}"
        | FailureKind.Unverified ->
            "the server accepted the upload but confirmed no digest, and one is required"
        | FailureKind.AlreadyExists
        | FailureKind.NotAStore
        | FailureKind.Unconfirmed -> FailureCause.lastEvent facts
        | kind -> FailureCause.describe kind facts

    let private onRefusal (facts: FailureFacts) =
        match FailureFacts.reply facts, FailureFacts.fault facts |> Option.bind _.ProxyStatus with
        | Some reply, _ when reply.Status = 407 -> RefusalAdvice.onProxy reply.Status facts
        | None, Some status -> RefusalAdvice.onProxy status facts
        | Some reply, _ when RefusalAdvice.wantsTls facts reply ->
            "Write https:// instead of http:// in the base URL."
        | Some reply, _ ->
            match reply.Status with
            | 401 -> $"Check {token facts}: the token may be missing, wrong or expired."
            | 403 ->
                $"Ask the server's administrator whether this upload is allowed, and check {token facts}."
            | 404
            | 405
            | 410
            | 421
            | 501 -> "Check the base URL: ask the server's administrator which URL accepts PUT."
            | 413 ->
                $"The artifact ({facts.Length} bytes) is larger than the server, or a proxy before it, allows. Ask the administrator to raise that limit (nginx: client_max_body_size)."
            | 507 -> "Ask the server's administrator to free space or to raise the quota."
            | _ ->
                "Another attempt would end in the same way. Ask the server's administrator for the reason, with the time of the request."
        | None, None -> "Check the base URL."

    let private onUnreachable (facts: FailureFacts) =
        match FailureFacts.fault facts with
        | Some fault when
            fault.Kind.IsProxy
            || fault.Kind.IsProxyNotTls
            || fault.Proxy.IsSome
               && (fault.Kind.IsNameResolution || fault.Kind.IsConnectionRefused)
            ->
            FailureAdvice.onProxyFault facts fault
        | Some {
                   Kind = FaultKind.NotTls | FaultKind.TlsHandshake
               } ->
            "Check scheme and port of the base URL, and ask the server's administrator which TLS versions it accepts."
        | Some { Kind = FaultKind.NameResolution } ->
            "Check DNS on this machine, and the host in the base URL. If this machine reaches the server only through a proxy, set HTTPS_PROXY."
        | Some { Kind = FaultKind.ConnectionRefused } ->
            "Check host and port of the base URL, and that the server runs."
        | _ -> $"Export again. If it fails again, check {AdviceWords.proxies facts}."

    let private onTimeout (facts: FailureFacts) =
        match FailureFacts.fault facts |> Option.map _.Kind with
        | Some(FaultKind.ConnectTimeout | FaultKind.TlsTimeout | FaultKind.ProxyTlsTimeout) ->
            $"Check host, port, proxy and firewall, or raise {connectTimeout facts}."
        | Some FaultKind.StallTimeout ->
            "The server, or the network on the way, stopped taking data: ask their administrators. If such pauses are normal, raise StallTimeout."
        | _ -> $"If the line is slow, raise {requestTimeout facts}: each attempt must end within it."

    let private onUnavailable (facts: FailureFacts) =
        let asked = FailureFacts.askedWait facts

        if asked.Ticks > facts.Plan.Target.Retry.MaxBackoff.Ticks then
            $"Export again after {TimeWords.moment (Instant.plus asked facts.Now)}. To wait that long within a push, raise MaxRetryBackoff."
        else
            $"Export again later. To retry for longer, raise {attempts facts} and {backoff facts}."

    /// Returns what to do.
    let advice (kind: FailureKind) (facts: FailureFacts) : string =
        match kind with
        | FailureKind.SourceTooLarge ->
            "Split the artifact, or raise MaxArtifactBytes if the server accepts more."
        | FailureKind.UrlUnusable -> "Nothing was sent."
        | FailureKind.UrlExpired -> "Give a base URL that is valid until the export ends."
        | FailureKind.Refused -> onRefusal facts
        | FailureKind.Redirected ->
            "Redirects are not followed. Give the URL that accepts PUT as the base URL, if you know the host that it leads to."
        | FailureKind.Unavailable -> onUnavailable facts
        | FailureKind.Unreachable -> onUnreachable facts
        | FailureKind.TimedOut -> onTimeout facts
        | FailureKind.DeadlineExceeded when
            (FailureFacts.askedWait facts).Ticks > facts.Plan.Target.Retry.MaxBackoff.Ticks
            ->
            onUnavailable facts
        | FailureKind.DeadlineExceeded -> "Raise Deadline, or allow fewer and shorter attempts."
        | FailureKind.CertificateRejected ->
            $"If you expect this issuer, set {Variable.CaBundle} (in code: CaBundle) to a file with its certificate. If not, ask the network administrator: a proxy may inspect TLS."
        | FailureKind.IntegrityMismatch ->
            "Do not use what the server has: something on the way, or the server, may have altered it. Export again."
        | FailureKind.Unverified -> "Use a server that reports a digest (Repr-Digest), or do not require one."
        | FailureKind.AlreadyExists
        | FailureKind.NotAStore
        | FailureKind.Unconfirmed -> "Ask the server's administrator for the reason."
        | FailureKind.LocalFault ->
            "Free or raise what this machine lacks (open files: ulimit -n; memory; a home directory: HOME), and export again."
        | kind -> FailureAdvice.describe kind facts
