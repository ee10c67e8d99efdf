namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// A push that ended without a receipt: what happened, how certain that is, and what to do about it.
/// It holds no secret.
type ExportFailure = {
    /// Why, in a word for programs.
    Kind: FailureKind
    /// All of it in a few sentences, for people.
    Message: string
    /// The message without the artifact's name and address, for displays that name the artifact.
    Reason: string
    /// The target's name in the cell spec.
    TargetName: string option
    /// The logical address that it was meant for.
    Destination: string
    /// The cell that the artifact came from.
    CellId: string
    /// The artifact's name within the cell.
    ArtifactName: string
    /// How many PUTs were begun; may be 0.
    Attempts: int
    /// From the opening of the source to the end.
    Elapsed: TimeSpan
    /// The HTTP status of the last reply, the server's or a proxy's.
    Status: int option
    /// The S3 error code of the last reply.
    Code: string option
    /// The request id of the last response, as a store's support asks for it.
    RequestId: string option
    /// `x-amz-id-2` of the last response.
    HostId: string option
    /// Whether an object of this push may have been stored all the same.
    MayBeStored: bool
}

/// What is known of a push when it fails.
type internal FailureFacts = {
    Plan: PushPlan
    /// What the URL in use says of itself, if there is one.
    Url: PresignedUrl option
    Length: int64
    /// The `Content-MD5` that went with the last request.
    ContentMd5: string option
    Attempts: int
    Elapsed: TimeSpan
    Last: Outcome option
    MayBeStored: bool
    /// Secrets that no text may hold.
    Secrets: Secrets
    Now: DateTimeOffset
}

/// Puts failures into words. Every sentence says what, where and what to do; none holds a secret.
[<RequireQualifiedAccess>]
module internal FailureText =

    let private time (span: TimeSpan) =
        if span < TimeSpan.FromSeconds 1. then
            Check.invariant $"{Math.Floor span.TotalMilliseconds} ms"
        else
            Check.invariant $"{Math.Round(span.TotalSeconds, 3)} s"

    let private moment (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)

    let private replyOf (facts: FailureFacts) =
        match facts.Last with
        | Some(Outcome.Replied reply) -> Some reply
        | _ -> None

    let private faultOf (facts: FailureFacts) =
        match facts.Last with
        | Some(Outcome.NotSent fault | Outcome.Unknown fault) -> Some fault
        | _ -> None

    let private codeOf (reply: Reply) = reply.Error |> Option.map _.Code

    let private messageOf (reply: Reply) =
        reply.Error |> Option.bind _.Message |> Option.defaultValue ""

    /// The number of characters of a foreign body that are shown at most.
    [<Literal>]
    let private LongestQuote = 200

    let private serverOf (reply: Reply) =
        match reply.Server with
        | Some server -> $", Server: {Check.shorten 60 server}"
        | None -> ""

    /// `an HTML page ("Blocked by policy", Server: proxy/1.0)`
    let private foreign (reply: Reply) (body: ForeignBody) =
        match body.VisibleText with
        | "" -> $"{body.Format.InWords}{serverOf reply}"
        | text -> $"{body.Format.InWords} (\"{Check.shorten LongestQuote text}\"{serverOf reply})"

    /// `HTTP 403 AccessDenied ("Request has expired")`, or `HTTP 403 with an HTML page ("Blocked by policy")`
    let private answer (reply: Reply) =
        match reply.Error, reply.Body with
        | Some error, _ ->
            let words = [
                match error.Message with
                | Some message -> $"\"{message}\""
                | None -> ()

                for detail in error.Details do
                    $"{detail.Element}: {Check.shorten LongestQuote detail.Content}"
            ]

            match words with
            | [] -> $"HTTP {reply.Status} {error.Code}"
            | words ->
                let all = String.Join("; ", words)
                $"HTTP {reply.Status} {error.Code} ({all})"
        | None, Some body -> $"HTTP {reply.Status} with {foreign reply body}"
        | None, None -> $"HTTP {reply.Status}"

    /// SigV2 covers a `Content-MD5` in any case, the absence of one too.
    let private signsContentMd5 (facts: FailureFacts) =
        facts.Url
        |> Option.exists (fun url ->
            url.Signature = UrlSignature.V2
            || PresignedUrl.signs PresignedUrl.ContentMd5 url)

    let private isPage (reply: Reply) =
        reply.Error.IsNone
        && reply.Body |> Option.exists (fun body -> body.Format = BodyFormat.Html)

    let private lastEvent (facts: FailureFacts) =
        match replyOf facts, faultOf facts with
        | Some reply, _ -> answer reply
        | _, Some fault -> fault.Detail
        | _ -> "no attempt was made"

    let private progress (facts: FailureFacts) =
        match faultOf facts with
        | Some fault -> Check.invariant $"{fault.BytesSent} of {facts.Length} bytes had been sent"
        | None -> "no byte had been sent"

    let private limitThatStruck (facts: FailureFacts) =
        let limits = facts.Plan.Target.Limits

        match faultOf facts |> Option.map _.Kind with
        // The detail says who did not answer: the server or a proxy.
        | Some FaultKind.ConnectTimeout ->
            $"there was no connection within {time limits.ConnectTimeout}: {lastEvent facts}"
        | Some FaultKind.StallTimeout ->
            match limits.StallTimeout with
            | Some stall -> $"no byte moved for {time stall}; {progress facts}"
            | None -> $"the connection stalled; {progress facts}"
        | Some FaultKind.RequestTimeout ->
            $"there was no reply within the request timeout of {time limits.RequestTimeout}; {progress facts}"
        | _ -> lastEvent facts

    let private happened (kind: FailureKind) (facts: FailureFacts) =
        match kind with
        | FailureKind.SourceNotFound
        | FailureKind.SourceNotAFile
        | FailureKind.SourceAccessDenied
        | FailureKind.SourceUnreadable
        | FailureKind.SourceChanged -> lastEvent facts
        | FailureKind.SourceTooLarge ->
            Check.invariant
                $"the file has {facts.Length} bytes, and {facts.Plan.Target.MaxObjectBytes} are allowed in one PUT"
        | FailureKind.UrlUnusable ->
            match replyOf facts, facts.Url |> Option.bind _.EmptyChecksum with
            | Some _, Some checksum ->
                $"the URL contains the checksum of an empty file ('{checksum}'), so the store rejects every other file: {lastEvent facts}"
            | _ -> lastEvent facts
        | FailureKind.UrlExpired ->
            let serverSaysSo = replyOf facts |> Option.exists Verdict.saysExpired

            match facts.Url |> Option.bind _.ExpiresAt with
            | Some at when at <= facts.Now ->
                $"the presigned URL expired at {moment at}; it is {moment facts.Now} now"
            | _ when serverSaysSo ->
                $"the server says that the presigned URL or its token has expired: {lastEvent facts}"
            | Some at ->
                $"the presigned URL expires at {moment at}, before the next attempt could begin; last: {lastEvent facts}"
            | None -> $"the presigned URL has expired: {lastEvent facts}"
        | FailureKind.Refused ->
            match replyOf facts with
            | Some reply when reply.Status = 407 -> $"a proxy refused it: {lastEvent facts}"
            | Some reply when Verdict.saysFull reply -> $"the store is full: {lastEvent facts}"
            | Some reply when isPage reply ->
                $"a proxy, a gateway or a portal on the way to the store refused it: {lastEvent facts}"
            | Some _ -> $"the server refused it: {lastEvent facts}"
            | None -> lastEvent facts
        | FailureKind.Redirected ->
            let target =
                match replyOf facts with
                | None -> ""
                | Some reply ->
                    [
                        reply.BucketRegion
                        |> Option.orElse (reply.Error |> Option.bind _.Region)
                        |> Option.map (fun region -> $" the bucket's region is {region}")
                        reply.Error
                        |> Option.bind _.Endpoint
                        |> Option.orElse reply.RedirectHost
                        |> Option.map (fun endpoint -> $" the endpoint is {endpoint}")
                    ]
                    |> List.choose id
                    |> function
                        | [] -> ""
                        | told -> ";" + String.concat "," told

            $"the URL is for another region or endpoint than the bucket's: {lastEvent facts}{target}"
        | FailureKind.AlreadyExists when facts.MayBeStored ->
            "there is an object under this key already; an earlier attempt of this push ended without a clear answer, so the object may be its own"
        | FailureKind.AlreadyExists -> "there is an object under this key already, and it was not overwritten"
        | FailureKind.Unavailable -> $"the server could not serve it: {lastEvent facts}"
        | FailureKind.Unreachable when (replyOf facts |> Option.exists (fun reply -> reply.Status < 300)) ->
            $"the server answered HTTP {(replyOf facts).Value.Status} before it had the whole body"
        | FailureKind.Unreachable -> $"the connection failed: {lastEvent facts}"
        | FailureKind.TimedOut -> limitThatStruck facts
        | FailureKind.DeadlineExceeded ->
            let deadline =
                match facts.Plan.Target.Limits.Deadline with
                | Some deadline -> $"the deadline of {time deadline} over all attempts"
                | None -> "the deadline"

            if facts.Attempts = 0 then
                $"{deadline} passed before the first attempt could begin"
            else
                $"{deadline} leaves no time for another attempt; last: {lastEvent facts}"
        | FailureKind.CertificateRejected -> $"the server's certificate was rejected: {lastEvent facts}"
        | FailureKind.IntegrityMismatch ->
            match replyOf facts with
            | Some reply when reply.Status < 300 ->
                "the server reports the digest of other bytes than were sent"
            | _ -> $"the server received other bytes than were sent: {lastEvent facts}"
        | FailureKind.NotAStore ->
            match replyOf facts with
            | Some({ Error = Some _ }) ->
                $"the response has the status of a success and reports an error: {lastEvent facts}"
            | _ -> $"something between this host and the store answered in its place: {lastEvent facts}"
        | FailureKind.Unconfirmed ->
            $"the response ({lastEvent facts}) has no ETag, checksum, version or request id, which stores send; a proxy or a portal between this host and the store may have answered"
        | FailureKind.Unverified -> "the server stored it but confirmed no digest, and one is required"
        | FailureKind.LocalFault
        | FailureKind.Internal -> lastEvent facts

    /// An option, and the target's variable that sets it where the target has a name.
    let private setting (option: string) (variable: string) (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some name -> $"{option}, {Variable.forTarget name variable}"
        | None -> option

    let private deadlineSetting = setting "Deadline" Variable.Deadline

    let private attemptsSetting = setting "MaxAttempts" Variable.MaxAttempts

    let private backoffSetting = setting "RetryBackoff" Variable.RetryBackoff

    let private largestSetting = setting "MaxObjectBytes" Variable.MaxObjectBytes

    let private md5Setting (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some _ -> setting "ContentMd5" Variable.ContentMd5 facts + "=1"
        | None -> "ContentMd5"

    let private unmarkedSetting (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some _ -> setting "AcceptUnmarked" Variable.AcceptUnmarked facts + "=1"
        | None -> "AcceptUnmarked"

    let private places =
        "the proxies (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), gateways and portals between this host and the store, and the host in the URL"

    let private betweenHostAndStore = "Check " + places

    /// The header that the store names as missing, with a value where only one will do.
    let private missingHeader (error: S3Error) =
        error.Details
        |> List.tryFind (fun detail -> detail.Element = "HeaderName")
        |> Option.map (fun detail ->
            match detail.Content.ToLowerInvariant() with
            | "x-ms-blob-type" -> "x-ms-blob-type: BlockBlob"
            | _ -> detail.Content + ": VALUE")

    let private adviceOnRefusal (facts: FailureFacts) (reply: Reply) =
        let says (text: string) =
            (messageOf reply).Contains(text, StringComparison.OrdinalIgnoreCase)

        match reply.Status, codeOf reply with
        | _ when Verdict.saysFull reply ->
            "Ask the store's administrator to free space or to raise the quota, and export again."
        | _, Some "MissingRequiredHeader" when (reply.Error |> Option.bind missingHeader).IsSome ->
            $"Send the header that the store asks for: push --header '{(reply.Error |> Option.bind missingHeader).Value}' (Headers in code)."
        | 401, None when isPage reply ->
            $"{betweenHostAndStore}, and user name and password in a proxy's URL."
        | _, None when isPage reply ->
            $"{betweenHostAndStore}. Ask who runs it to allow PUT requests to the host in the URL."
        | _, None when reply.Body.IsSome && reply.Status <> 413 ->
            $"This is not an S3 error. Ask who presigned the URL for a new one. If that fails too, the response may not come from the store: check {places}."
        | _, Some "SignatureDoesNotMatch" when (facts.ContentMd5.IsSome && signsContentMd5 facts) ->
            $"The signature covers the Content-MD5, and this file's is {facts.ContentMd5.Value}: presign with that one, or export the file that the URL was signed for. If it is the same, the method, the path or the signing key is another."
        | _, Some "SignatureDoesNotMatch" ->
            "Check that the URL is exactly as it was given, octet for octet. If it is, ask who presigned it for a new one, for PUT, this host and path, and the headers that are sent; or the secret key is wrong."
        | 403, Some "AccessDenied" when says "not signed" ->
            "A header was sent that the signature does not cover. Remove it from Headers or push --header, or ask for a URL that signs it; a header that you did not set is added by a proxy or an HttpClient handler."
        | 403, Some "AccessDenied" when says "not yet valid" ->
            "Set the clock of the host that presigns: it is fast."
        | _, Some "RequestTimeTooSkewed" ->
            "Set the clock of the host that presigns, or of the store: they are too far apart."
        | _, Some "InvalidRequest" when says "AWS4-HMAC-SHA256" ->
            "Ask who presigned the URL for one with SigV4 (AWS4-HMAC-SHA256): this region does not accept SigV2."
        | _, Some "InvalidAccessKeyId" ->
            "The access key that signed the URL does not exist (any more). Ask who presigned it for a new one."
        | _,
          Some("AuthorizationQueryParametersError" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") ->
            match reply.Error |> Option.bind _.Region |> Option.orElse reply.BucketRegion with
            | Some region ->
                $"The URL was signed for another region. Ask who presigned it for one that is presigned for {region}."
            | None ->
                "The URL was signed for another region or with wrong parameters. Ask who presigned it for a new one."
        | _, Some "NoSuchBucket"
        | 404, None -> "Create the bucket, or ask who presigned the URL for one with the right name."
        | _, Some "InvalidRequest" when says "Content-MD5" && facts.ContentMd5.IsNone ->
            $"The bucket has Object Lock and requires a Content-MD5. Switch it on ({md5Setting facts})."
        | _, Some "InvalidRequest" when says "Content-MD5" ->
            "A Content-MD5 was sent and has not arrived: look for a proxy that removes headers."
        | _, Some "MetadataTooLarge" ->
            "S3 takes 2 KB of metadata: shorten the names and values of the x-amz-meta-… headers."
        | _, Some "EntityTooLarge"
        | 413, _ -> "The artifact is too large for one PUT to this server; split it."
        | 401, _ ->
            "Ask who presigned the URL for a new one. Where a proxy is on the way, check user name and password in its URL."
        | 403, _ ->
            "Ask who presigned the URL whether their credentials have s3:PutObject for this object, and the bucket's administrator whether a policy forbids it."
        | 412, _ -> "A condition of the server or of the signed headers was not met."
        | _ -> "Another try would end the same way: correct the URL or the bucket first."

    /// What to do about a proxy that lets nothing through.
    let private adviceOnProxy (status: int) =
        match status with
        | 401
        | 407 ->
            "Check user name and password in the proxy's URL (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY); special characters in them must be percent-encoded. Of the ways to authenticate to a proxy, Basic alone is supported."
        | _ ->
            "Check that this is the right proxy (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) and that it allows tunnels (CONNECT) to this host and port, or list the host in NO_PROXY."

    let private advice (kind: FailureKind) (facts: FailureFacts) =
        match kind with
        | FailureKind.SourceNotFound -> "Check the path; the artifact must be there when it is exported."
        | FailureKind.SourceNotAFile ->
            "Give a regular file: folders, links, pipes and devices are not exported."
        | FailureKind.SourceAccessDenied -> "Give the user of this process the right to read the file."
        | FailureKind.SourceUnreadable -> "Check the disk and the file system."
        | FailureKind.SourceChanged -> "Export again when the program that writes the file has ended."
        | FailureKind.SourceTooLarge ->
            $"Split the artifact, or raise the largest size ({largestSetting facts}) if the store takes more."
        | FailureKind.UrlUnusable when (replyOf facts).IsSome ->
            "The presigner must set request_checksum_calculation=when_required in the AWS SDK, and give a new URL."
        | FailureKind.UrlUnusable -> "Nothing was sent."
        | FailureKind.UrlExpired ->
            "Ask who presigned the URL for a fresh one. It, and the credentials that sign it, must last until the export ends."
        | FailureKind.Refused ->
            match replyOf facts with
            | Some reply when reply.Status = 407 -> adviceOnProxy reply.Status
            | Some reply -> adviceOnRefusal facts reply
            | None ->
                match faultOf facts |> Option.bind _.ProxyStatus with
                | Some status -> adviceOnProxy status
                | None -> "Correct the URL or the bucket first."
        | FailureKind.Redirected ->
            "Ask who presigned the URL for one for the bucket's own region and endpoint. Another host in the same URL would not fit the signature, so redirects are never followed."
        | FailureKind.AlreadyExists when facts.MayBeStored ->
            "Compare the object's digest with the file's before you decide."
        | FailureKind.AlreadyExists -> "Export under another name, if both are wanted."
        | FailureKind.Unavailable ->
            $"Export again later. To retry for longer, raise the number of attempts ({attemptsSetting facts}) and the backoff ({backoffSetting facts})."
        | FailureKind.Unreachable ->
            match faultOf facts |> Option.map _.Kind with
            | Some FaultKind.NotTls ->
                "Ask who gave the URL for its scheme and port. If the server is meant to be without TLS, write http:// in place of https://: that leaves the signature valid."
            | Some FaultKind.ProxyNotTls ->
                "Write http:// in place of https:// in the proxy's URL (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY), or correct its port. Uploads to https URLs stay encrypted."
            | Some FaultKind.NameResolution ->
                "Check DNS on this host, and the host in the URL. If this host reaches the store only through a proxy, set HTTPS_PROXY."
            | _ -> "Check the URL's host and port, the proxy and the network, and export again."
        | FailureKind.TimedOut ->
            match faultOf facts |> Option.map _.Kind with
            | Some FaultKind.ConnectTimeout ->
                $"Check host, port, proxy and firewall, or raise the connect timeout (ConnectTimeout, {Variable.ConnectTimeout})."
            | Some FaultKind.StallTimeout ->
                $"Check the line and the proxy, or raise the stall timeout (StallTimeout, {Variable.StallTimeout})."
            | Some _ ->
                $"Raise the request timeout (RequestTimeout, {Variable.RequestTimeout}) if the line is slow: each attempt must end within it."
            | None -> "The server waited in vain for the body: check the line and the proxy, and try again."
        | FailureKind.DeadlineExceeded ->
            $"Raise the deadline ({deadlineSetting facts}), or allow fewer and shorter attempts."
        | FailureKind.CertificateRejected ->
            match faultOf facts |> Option.map _.Kind with
            | Some FaultKind.CertificateNameMismatch ->
                "Correct the host in the URL, or have the server's certificate name it."
            | _ ->
                $"Add the authority that issued it to the CA bundle (CaBundle, {Variable.CaBundle}), which adds to the system's. If it is there already, the server's administrator has to send the whole chain, or to renew an expired certificate."
        | FailureKind.IntegrityMismatch ->
            match replyOf facts with
            | Some reply when reply.IsSuccess ->
                "Do not rely on the object in the store: something on the way to it, or its disk, alters the bytes. Export again, without the proxy if there is one."
            | _ ->
                "Something on the way to the store alters the bytes. Export again, without the proxy if there is one."
        | FailureKind.NotAStore ->
            match replyOf facts with
            | Some({ Error = Some _ } as reply) -> adviceOnRefusal facts reply
            | _ -> $"{betweenHostAndStore}; then export again."
        | FailureKind.Unconfirmed ->
            $"{betweenHostAndStore}; then export again. Only if the store's administrator confirms that the store stores objects and sends none of these headers, accept such responses ({unmarkedSetting facts})."
        | FailureKind.Unverified ->
            "Use a store that reports an MD5 ETag or x-amz-checksum-sha256, or require less."
        | FailureKind.LocalFault ->
            "Nothing is wrong with the URL or the store. Export again when that is remedied."
        | FailureKind.Internal -> "This is a bug in the program that drives the push."

    let private effort (facts: FailureFacts) =
        match facts.Attempts with
        | 0 -> "No attempt was made"
        | 1 -> $"1 attempt in {time facts.Elapsed}"
        | many -> $"{many} attempts in {time facts.Elapsed}"

    /// The failure, in words.
    let create (kind: FailureKind) (facts: FailureFacts) : ExportFailure =
        let redact = Redaction.withoutSecrets facts.Secrets
        let reply = replyOf facts

        let requestId =
            reply
            |> Option.bind (fun reply ->
                reply.RequestId |> Option.orElse (reply.Error |> Option.bind _.RequestId))

        let hostId =
            reply
            |> Option.bind (fun reply -> reply.HostId |> Option.orElse (reply.Error |> Option.bind _.HostId))

        let stored =
            if facts.MayBeStored && kind <> FailureKind.AlreadyExists then
                " The object may have been stored."
            else
                ""

        let requestIdText =
            match requestId with
            | Some id -> $", request id {id}"
            | None -> ""

        let artifact = Check.quote (ArtifactName.value facts.Plan.Artifact)
        let destination = Check.visible (Destination.value facts.Plan.Destination)

        let reason =
            $"{happened kind facts}. {effort facts}{requestIdText}.{stored} {advice kind facts}"

        {
            Kind = kind
            Message = redact $"Export of {artifact} to {destination} failed: {reason}"
            Reason = redact reason
            TargetName = facts.Plan.Target.Name |> Option.map TargetName.value
            Destination = Destination.value facts.Plan.Destination
            CellId = CellId.value facts.Plan.Target.CellId
            ArtifactName = ArtifactName.value facts.Plan.Artifact
            Attempts = facts.Attempts
            Elapsed = facts.Elapsed
            Status =
                reply
                |> Option.map _.Status
                |> Option.orElse (faultOf facts |> Option.bind _.ProxyStatus)
            Code = reply |> Option.bind codeOf |> Option.map redact
            RequestId = requestId |> Option.map redact
            HostId = hostId |> Option.map redact
            MayBeStored = facts.MayBeStored
        }
