namespace CellOS.Export.S3.Core

open System

/// Says what to do about a failed push, in imperative sentences that name who acts.
///
/// "The presigner" is the person or program that made the URL; "this machine" runs the push.
[<RequireQualifiedAccess>]
module internal FailureAdvice =

    let private connectTimeout =
        AdviceWords.shared "ConnectTimeout" Variable.ConnectTimeout

    let private stallTimeout = AdviceWords.shared "StallTimeout" Variable.StallTimeout

    let private requestTimeout =
        AdviceWords.shared "RequestTimeout" Variable.RequestTimeout

    let private caBundle = AdviceWords.shared "CaBundle" Variable.CaBundle

    let private onUnavailable (facts: FailureFacts) =
        let attempts = AdviceWords.setting "MaxAttempts" Variable.MaxAttempts "" facts
        let backoff = AdviceWords.setting "RetryBackoff" Variable.RetryBackoff "" facts

        let longest =
            AdviceWords.setting "RetryMaxBackoff" Variable.RetryMaxBackoff "" facts

        let asked = FailureFacts.askedWait facts

        match FailureFacts.reply facts with
        | Some reply when reply.Status = 511 ->
            $"This machine has to sign in to its network: sign in, or check {AdviceWords.proxies facts}. Then export again."
        | Some _ when asked.Ticks > facts.Plan.Target.Retry.MaxBackoff.Ticks ->
            $"Export again after {TimeWords.moment (Instant.plus asked facts.Now)}. To wait that long within a push, raise {longest}."
        | Some reply when Verdict.saysBusy reply ->
            $"The store asks for fewer requests: wait some minutes. Of many artifacts, export fewer at once (push --concurrency). To wait longer between attempts, raise {backoff}."
        | Some reply when
            FailureFacts.isPage reply
            || FailureFacts.isUnmarked reply && reply.Status >= 502
            ->
            $"A proxy or gateway in front of the store answered, and could not reach it. Export again later; if it goes on, ask the store's administrator. To retry for longer, raise {attempts} and {backoff}."
        | _ -> $"Export again later. To retry for longer, raise {attempts} and {backoff}."

    /// A fault on the way that is certainly the proxy's.
    let onProxyFault (facts: FailureFacts) (fault: Fault) =
        let variable = AdviceWords.proxySetting facts

        match fault.Kind, fault.ProxyStatus with
        | FaultKind.Proxy, Some status -> RefusalAdvice.onProxy status facts
        | FaultKind.ProxyNotTls, _ ->
            $"In the proxy's URL ({variable}), write http:// instead of https://, or correct the port; then export again. Uploads to https URLs stay encrypted."
        | FaultKind.NameResolution, _ ->
            $"Correct the proxy's host ({variable}), or check DNS on this machine. Where a direct connection is possible, add {AdviceWords.host facts} to NO_PROXY."
        | _ ->
            $"Check that the proxy runs, and its host, port and scheme ({variable}). Where a direct connection is possible, add {AdviceWords.host facts} to NO_PROXY."

    let private onUnreachable (facts: FailureFacts) =
        match FailureFacts.fault facts with
        | Some fault when fault.Kind.IsProxy || fault.Kind.IsProxyNotTls -> onProxyFault facts fault
        | Some fault when
            fault.Proxy.IsSome
            && (fault.Kind.IsNameResolution || fault.Kind.IsConnectionRefused)
            ->
            onProxyFault facts fault
        | Some { Kind = FaultKind.NotTls } ->
            "Ask the presigner whether scheme and port of the URL are right. If the store works without TLS, write http:// instead of https://: the signature stays valid, but the evidence is not encrypted."
        | Some { Kind = FaultKind.TlsHandshake } ->
            $"Ask the presigner whether scheme and port of the URL are right. Ask the network administrator for a firewall or proxy that inspects TLS, and the store's which TLS versions it accepts."
        | Some { Kind = FaultKind.NameResolution } ->
            "Check DNS on this machine, and ask the presigner whether the host in the URL is right. If this machine reaches the store only through a proxy, set HTTPS_PROXY."
        | Some { Proxy = Some proxy } ->
            $"Check {proxy.InWords}: ask its administrator whether it lets the upload through. Or add {AdviceWords.host facts} to NO_PROXY. If the proxy is right, check host and port of the URL."
        | Some { Kind = FaultKind.ConnectionRefused } ->
            $"Nothing accepts connections at that host and port. Ask the presigner whether both are right, then the store's administrator whether the store runs. If this machine reaches it only through a proxy, set HTTPS_PROXY."
        | _ ->
            $"Export again. If it fails again, check {AdviceWords.proxies facts}. If they are right, ask the network administrator, then the store's administrator."

    let private onTimeout (facts: FailureFacts) =
        match FailureFacts.fault facts with
        | Some {
                   Kind = FaultKind.ConnectTimeout
                   Proxy = Some proxy
               } ->
            $"Check that {proxy.InWords} runs and reaches the store, or add {AdviceWords.host facts} to NO_PROXY. If the proxy is slow, raise {connectTimeout}."
        | Some { Kind = FaultKind.ConnectTimeout } ->
            $"Check host, port, proxy and firewall, or raise {connectTimeout}."
        | Some { Kind = FaultKind.ProxyTlsTimeout } ->
            $"Check scheme and port of the proxy ({AdviceWords.proxySetting facts}): https:// needs a proxy that speaks TLS. If it is slow, raise {connectTimeout}."
        | Some {
                   Kind = FaultKind.TlsTimeout
                   Proxy = Some proxy
               } ->
            $"Check that the port of the URL speaks TLS (https), and ask the administrator of {proxy.InWords} whether it inspects TLS. If the server is slow, raise {connectTimeout}."
        | Some { Kind = FaultKind.TlsTimeout } ->
            $"Check that the port of the URL speaks TLS (https), and ask the network administrator for a firewall or proxy that inspects TLS. If the server is slow, raise {connectTimeout}."
        | Some { Kind = FaultKind.StallTimeout } ->
            $"The server, or a proxy or the network on the way, stopped taking data. Ask the network administrator, then the store's administrator. If such pauses are normal, raise {stallTimeout}."
        | Some _ -> $"If the line is slow, raise {requestTimeout}: each attempt must end within it."
        | None when FailureFacts.reply facts |> Option.exists _.IsSuccess ->
            "Check the line and the proxy, and export again."
        | None -> "The server waited in vain for the body: check the line and the proxy, and export again."

    let private onCertificate (facts: FailureFacts) =
        match FailureFacts.fault facts with
        | Some {
                   Kind = FaultKind.CertificateNameMismatch
               } ->
            "Correct the host in the URL, or ask the store's administrator for a certificate that names this host."
        | Some fault when fault.Detail.Contains("expired", StringComparison.OrdinalIgnoreCase) ->
            "Ask the store's administrator to renew the certificate, and check the clock of this machine."
        | _ ->
            $"If you expect this issuer, set {caBundle} to a file with its certificate. If it is set, the store's administrator must add intermediate certificates. An unexpected issuer may be a TLS-inspecting proxy's: ask the network administrator."

    let private onOtherBytes (facts: FailureFacts) =
        let again =
            $"Export again. If it fails again, ask the network and the store administrators; where a direct connection is possible, add {AdviceWords.host facts} to NO_PROXY."

        match FailureFacts.reply facts with
        | Some reply when reply.IsSuccess ->
            $"Do not use the object in the store: a proxy on the way, or the store, may have altered it. {again}"
        | _ -> $"A proxy or a fault on the way to the store altered the bytes. {again}"

    /// Returns what to do.
    let describe (kind: FailureKind) (facts: FailureFacts) : string =
        match kind with
        | FailureKind.SourceNotFound -> "Check the path; the artifact must be there when it is exported."
        | FailureKind.SourceNotAFile ->
            "Give a regular file: folders, links, pipes and devices are not exported."
        | FailureKind.SourceAccessDenied -> "Give the user of this process the right to read the file."
        | FailureKind.SourceUnreadable -> "Check the disk and the file system."
        | FailureKind.SourceChanged ->
            "Export again when no program writes to the file, replaces it or rotates it."
        | FailureKind.SourceTooLarge ->
            let largest = AdviceWords.setting "MaxObjectBytes" Variable.MaxObjectBytes "" facts
            $"Split the artifact, or raise {largest} if the store accepts more."
        | FailureKind.UrlUnusable when (FailureFacts.reply facts).IsSome ->
            "The presigner must set request_checksum_calculation=when_required in the AWS SDK, and give a new URL."
        | FailureKind.UrlUnusable -> "Nothing was sent."
        | FailureKind.UrlExpired when
            FailureFacts.reply facts
            |> Option.bind _.Error
            |> Option.exists (fun error -> error.Code = "ExpiredToken")
            ->
            "The presigner's temporary credentials have expired. Ask for a URL that is signed with credentials that stay valid until the export ends."
        | FailureKind.UrlExpired ->
            "Ask the presigner for a new URL that is valid until the export ends. Temporary credentials that sign it must be valid as long."
        | FailureKind.Refused ->
            match FailureFacts.reply facts, FailureFacts.fault facts |> Option.bind _.ProxyStatus with
            | Some reply, _ when reply.Status = 407 -> RefusalAdvice.onProxy reply.Status facts
            | Some reply, _ -> RefusalAdvice.describe facts reply
            | None, Some status -> RefusalAdvice.onProxy status facts
            | None, None -> "Ask the presigner for a new URL."
        | FailureKind.Redirected ->
            match FailureFacts.reply facts with
            | Some reply -> Redirect.advice (Redirect.ofReply facts.Address reply) facts
            | None ->
                "Set AllowAutoRedirect to false in the handler of the HttpClient, and export again: the failure then says where the server redirects."
        | FailureKind.AlreadyExists when facts.MayBeStored ->
            "Compare the object's digest with the file's before you decide."
        | FailureKind.AlreadyExists -> "Export under another name, if both are wanted."
        | FailureKind.Unavailable -> onUnavailable facts
        | FailureKind.Unreachable -> onUnreachable facts
        | FailureKind.TimedOut -> onTimeout facts
        | FailureKind.DeadlineExceeded when
            (FailureFacts.askedWait facts).Ticks > facts.Plan.Target.Retry.MaxBackoff.Ticks
            ->
            onUnavailable facts
        | FailureKind.DeadlineExceeded ->
            let deadline = AdviceWords.setting "Deadline" Variable.Deadline "" facts
            $"Raise {deadline}, or allow fewer and shorter attempts."
        | FailureKind.CertificateRejected -> onCertificate facts
        | FailureKind.IntegrityMismatch -> onOtherBytes facts
        | FailureKind.NotAStore ->
            match FailureFacts.reply facts with
            | Some({ Error = Some _ } as reply) -> RefusalAdvice.describe facts reply
            | _ ->
                $"If this machine has to sign in to its network, sign in. If not, check {AdviceWords.proxies facts}, and ask the network administrator."
        | FailureKind.Unconfirmed ->
            let unmarked =
                AdviceWords.setting "AcceptUnmarked" Variable.AcceptUnmarked "=1" facts

            match FailureFacts.reply facts with
            | Some { Contradiction = Some header } ->
                $"Check {AdviceWords.proxies facts}, and whether a cache answers. If the store itself sends '{header}', ask its administrator why."
            | Some(FailureFacts.OtherObject facts _) ->
                "Ask the store's administrator where it has stored the object. Correct bucket, key prefix, cell id or artifact name, or ask the presigner for a URL for the destination."
            | _ -> $"Check {AdviceWords.proxies facts}. If the store really answers so, set {unmarked}."
        | FailureKind.Unverified ->
            "Use a store that reports an MD5 ETag or a checksum, or do not require a confirmation."
        | FailureKind.LocalFault ->
            "Free or raise what this machine lacks (open files: ulimit -n; memory; a home directory: HOME), and export again. The URL and the store are not the cause."
        | FailureKind.Internal -> "This is a bug in the program that drives the push."
