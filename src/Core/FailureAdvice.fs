namespace CellOS.Export.S3.Core

open System

/// Says what to do about a failed push, in imperative sentences that name who acts.
///
/// "The presigner" is the person or program that made the URL; "this machine" runs the push.
[<RequireQualifiedAccess>]
module internal FailureAdvice =

    /// The variable that sets an option, and the option in code; the option alone for a target without a name.
    let private setting (option: string) (variable: string) (suffix: string) (facts: FailureFacts) =
        match facts.Plan.Target.Name with
        | Some name -> $"{Variable.forTarget name variable}{suffix} (in code: {option})"
        | None -> option

    /// The same for a setting that all targets share.
    let private shared (option: string) (variable: string) = $"{variable} (in code: {option})"

    let private connectTimeout = shared "ConnectTimeout" Variable.ConnectTimeout
    let private stallTimeout = shared "StallTimeout" Variable.StallTimeout
    let private requestTimeout = shared "RequestTimeout" Variable.RequestTimeout
    let private caBundle = shared "CaBundle" Variable.CaBundle

    let private proxies =
        "the proxy variables (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), and the host in the URL"

    let private messageOf (reply: Reply) =
        reply.Error |> Option.bind _.Message |> Option.defaultValue ""

    /// The header that the store names as missing.
    let private missingHeader (error: S3Error) =
        error.Details
        |> List.tryFind (fun detail -> detail.Element = "HeaderName")
        |> Option.map _.Content.ToLowerInvariant()

    let private onMissingHeader (name: string) =
        if name = "x-ms-blob-type" then
            "Send the header that the store asks for: push --header 'x-ms-blob-type: BlockBlob' (in code: Headers). The URL stays valid."
        else
            $"Send the header that the store asks for: push --header '{name}: VALUE' (in code: Headers). If the store then refuses the signature, ask the presigner for a URL that is signed with it."

    /// The signed digests that went along, with their values: `Content-MD5 is …`.
    let private signedDigests (facts: FailureFacts) =
        let isSigned (header: RequestHeader) =
            facts.Url
            |> Option.exists (fun url ->
                // SigV2 covers a Content-MD5 in any case, the absence of one too.
                url.Signature = UrlSignature.V2
                || PresignedUrl.signs (RequestHeader.key header) url)

        facts.DigestHeaders
        |> List.filter (fun header ->
            isSigned header && RequestHeader.key header <> DigestPolicy.SdkAlgorithm)
        |> List.map (fun header -> $"{header.Name} of this file is {RequestHeader.reveal header}")

    let private onSignature (facts: FailureFacts) =
        match signedDigests facts with
        | [] ->
            let names =
                "host" :: (PushPlan.headers facts.Plan |> List.map RequestHeader.key)
                |> String.concat ", "

            $"Compare the URL with the one that the presigner gave, character for character; in a shell it must be in quotes. If they are equal, ask the presigner for a new URL: for the method PUT, this host and path, and the headers {names}. The presigner's secret key may be wrong, too."
        | digests ->
            let values = String.concat ", " digests

            $"The signature covers a digest, and the {values}. Export the file that the URL was presigned for, or ask the presigner for a URL for this file. If the digest is the presigner's as well, the method, the path or the secret key differs."

    let private onUnsignedHeader (reply: Reply) =
        let named =
            reply.Error
            |> Option.bind (fun error ->
                error.Details
                |> List.tryFind (fun detail -> detail.Element = "HeadersNotSigned"))

        let header =
            match named with
            | Some detail -> $"The request had a header that the signature does not cover ({detail.Content})."
            | None -> "The request had a header that the signature does not cover."

        $"{header} If you set it (push --header, in code: Headers), remove it there, or ask the presigner for a URL that is signed with it. If you did not set it, a proxy or an HttpClient handler adds it: ask the network administrator."

    let private onOtherRegion (reply: Reply) =
        match reply.Error |> Option.bind _.Region |> Option.orElse reply.BucketRegion with
        | Some region ->
            $"The URL was signed for another region. Ask the presigner for a URL that is signed for {region}."
        | None ->
            "The URL was signed for another region, or with wrong parameters. Ask the presigner for a new URL."

    let private onObjectLock (facts: FailureFacts) =
        if
            facts.DigestHeaders
            |> List.exists (fun header -> RequestHeader.key header = SignedQuery.ContentMd5)
        then
            "A Content-MD5 was sent and did not arrive: look for a proxy that removes headers."
        else
            let md5 = setting "ContentMd5" Variable.ContentMd5 "=1" facts

            $"The bucket has Object Lock, so the store accepts an upload only with a digest of its content. To send a Content-MD5, set {md5}; the same URL stays valid. Or ask the presigner for a URL that is signed with x-amz-checksum-sha256."

    /// A response that is neither an S3 error nor a page.
    let private onForeignError =
        $"The response is not in the format of S3 errors. Ask the presigner to check bucket, permission and expiry, and to give a new URL. If that fails in the same way, ask the store's administrator whether the response comes from the store. If it does not, check {proxies}."

    let private onRefusal (facts: FailureFacts) (reply: Reply) =
        let says (text: string) =
            (messageOf reply).Contains(text, StringComparison.OrdinalIgnoreCase)

        match reply.Status, reply.Error |> Option.map _.Code with
        | _ when Verdict.saysFull reply ->
            "Ask the store's administrator to free space or to raise the quota, and export again."
        | _, Some "MissingRequiredHeader" when (reply.Error |> Option.bind missingHeader).IsSome ->
            onMissingHeader (reply.Error |> Option.bind missingHeader).Value
        | 401, None when FailureFacts.isPage reply ->
            $"Check {proxies}, and user name and password in a proxy's URL."
        | _, None when FailureFacts.isPage reply ->
            $"Ask the network administrator to allow PUT requests to the host in the URL. Check {proxies}."
        | _, None when reply.Body.IsSome && reply.Status <> 413 -> onForeignError
        | _, Some "SignatureDoesNotMatch" -> onSignature facts
        | 403, Some "AccessDenied" when says "not signed" -> onUnsignedHeader reply
        | 403, Some "AccessDenied" when says "not yet valid" ->
            "Ask the presigner to set the clock of the machine that presigns: it is fast."
        | _, Some "RequestTimeTooSkewed" ->
            "Set the clock of the machine that presigns, or of the store: they are too far apart."
        | _, Some "InvalidRequest" when says "AWS4-HMAC-SHA256" ->
            "Ask the presigner for a URL that is signed with SigV4 (AWS4-HMAC-SHA256): this region does not accept SigV2."
        | _, Some "InvalidAccessKeyId" ->
            "The access key that signed the URL does not exist, or no longer. Ask the presigner for a new URL."
        | _,
          Some("AuthorizationQueryParametersError" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") ->
            onOtherRegion reply
        | _, Some "NoSuchBucket"
        | 404, None -> "Create the bucket, or ask the presigner for a URL with the right name of the bucket."
        | _, Some "InvalidRequest" when says "Content-MD5" -> onObjectLock facts
        | _, Some "MetadataTooLarge" ->
            "S3 accepts 2 KB of metadata: shorten the names and values of the x-amz-meta-… headers."
        | _, Some "EntityTooLarge"
        | 413, _ -> "The artifact is too large for one PUT to this server; split it."
        | 401, _ ->
            "Ask the presigner for a new URL. If this machine uses a proxy, check user name and password in its URL."
        | 403, _ ->
            "Ask the presigner whether their credentials have the permission s3:PutObject for this object. Ask the store's administrator whether a policy forbids the upload."
        | 412, _ -> "A condition of the server or of the signed headers was not met."
        | _ -> "Another attempt would end in the same way: correct the URL or the bucket first."

    /// Advice on a proxy that does not let the upload through.
    let private onProxy (status: int) =
        match status with
        | 401
        | 407 ->
            "Check user name and password in the proxy's URL (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY); special characters in them must be percent-encoded. Of the ways to authenticate to a proxy, Basic alone is supported."
        | _ ->
            "Check that this is the right proxy (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) and that it allows tunnels (CONNECT) to this host and port, or list the host in NO_PROXY."

    let private onUnavailable (facts: FailureFacts) =
        let attempts = setting "MaxAttempts" Variable.MaxAttempts "" facts
        let backoff = setting "RetryBackoff" Variable.RetryBackoff "" facts

        match FailureFacts.reply facts with
        | Some reply when
            reply.Status = 429
            || reply.Error |> Option.exists (fun error -> error.Code = "SlowDown")
            ->
            $"The store asks for fewer requests: wait some minutes, and export fewer artifacts at once (push --concurrency). To wait longer between attempts, raise {backoff}."
        | _ -> $"Export again later. To retry for longer, raise {attempts} and {backoff}."

    let private onUnreachable (facts: FailureFacts) =
        match FailureFacts.fault facts |> Option.map _.Kind with
        | Some FaultKind.NotTls ->
            "Ask the presigner whether scheme and port of the URL are right. If the store works without TLS, write http:// instead of https://. The signature stays valid, but the evidence is not encrypted on the way."
        | Some FaultKind.ProxyNotTls ->
            "In the proxy's URL (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY), write http:// instead of https://, or correct the port; then export again. Uploads to https URLs stay encrypted."
        | Some FaultKind.NameResolution ->
            "Check DNS on this machine, and the host in the URL. If this machine reaches the store only through a proxy, set HTTPS_PROXY."
        | _ -> "Check the URL's host and port, the proxy and the network, and export again."

    let private onTimeout (facts: FailureFacts) =
        match FailureFacts.fault facts |> Option.map _.Kind with
        | Some FaultKind.ConnectTimeout -> $"Check host, port, proxy and firewall, or raise {connectTimeout}."
        | Some FaultKind.StallTimeout -> $"Check the line and the proxy, or raise {stallTimeout}."
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
            $"If the issuer is the right authority for this host, put its certificate into a file and set {caBundle} to that file; the system's authorities stay trusted. If it is in the file already, the server does not present its intermediate certificates: ask the store's administrator."

    let private onOtherBytes (facts: FailureFacts) =
        let again =
            "Export again. If it fails again, list the host in NO_PROXY where a direct connection is possible, or ask the network administrator."

        match FailureFacts.reply facts with
        | Some reply when reply.IsSuccess ->
            $"Do not rely on the object in the store: a proxy on the way, or the store, altered the bytes. {again}"
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
            let largest = setting "MaxObjectBytes" Variable.MaxObjectBytes "" facts
            $"Split the artifact, or raise {largest} if the store accepts more."
        | FailureKind.UrlUnusable when (FailureFacts.reply facts).IsSome ->
            "The presigner must set request_checksum_calculation=when_required in the AWS SDK, and give a new URL."
        | FailureKind.UrlUnusable -> "Nothing was sent."
        | FailureKind.UrlExpired ->
            "Ask the presigner for a new URL that is valid until the export ends. Temporary credentials that sign it must be valid as long."
        | FailureKind.Refused ->
            match FailureFacts.reply facts, FailureFacts.fault facts |> Option.bind _.ProxyStatus with
            | Some reply, _ when reply.Status = 407 -> onProxy reply.Status
            | Some reply, _ -> onRefusal facts reply
            | None, Some status -> onProxy status
            | None, None -> "Correct the URL or the bucket first."
        | FailureKind.Redirected ->
            "Ask the presigner for a URL for the bucket's own region and endpoint. Do not change the host in the URL: the signature would no longer be valid. Redirects are never followed."
        | FailureKind.AlreadyExists when facts.MayBeStored ->
            "Compare the object's digest with the file's before you decide."
        | FailureKind.AlreadyExists -> "Export under another name, if both are wanted."
        | FailureKind.Unavailable -> onUnavailable facts
        | FailureKind.Unreachable -> onUnreachable facts
        | FailureKind.TimedOut -> onTimeout facts
        | FailureKind.DeadlineExceeded ->
            let deadline = setting "Deadline" Variable.Deadline "" facts
            $"Raise {deadline}, or allow fewer and shorter attempts."
        | FailureKind.CertificateRejected -> onCertificate facts
        | FailureKind.IntegrityMismatch -> onOtherBytes facts
        | FailureKind.NotAStore ->
            match FailureFacts.reply facts with
            | Some({ Error = Some _ } as reply) -> onRefusal facts reply
            | _ ->
                $"If this machine has to sign in to its network, sign in. Check {proxies}; then export again."
        | FailureKind.Unconfirmed ->
            let unmarked = setting "AcceptUnmarked" Variable.AcceptUnmarked "=1" facts

            match FailureFacts.reply facts with
            | Some { Contradiction = Some header } ->
                $"Check {proxies}, and that caches let PUT requests pass; then export again. If the store itself sends '{header}', ask its administrator why."
            | Some reply when Verdict.isOfStore reply && (reply.ResultBucket.IsSome || reply.ResultKey.IsSome) ->
                "Ask the store's administrator where it has stored the object. Correct bucket, key prefix, cell id or artifact name, or presign for the destination."
            | Some reply when reply.IsMarked ->
                $"Check {proxies}; then export again. If the store's administrator confirms that the store responds so to an upload that it has stored, set {unmarked}: receipts then no longer show that a store answered."
            | _ ->
                $"Check {proxies}; then export again. If the store's administrator confirms that the store sends none of these headers, set {unmarked}: receipts then no longer show that a store answered."
        | FailureKind.Unverified ->
            "Use a store that reports an MD5 ETag or a checksum, or do not require a confirmation."
        | FailureKind.LocalFault ->
            "The URL and the store are not the cause. Free or raise what this machine lacks (open files: ulimit -n; memory; a home directory: HOME), and export again."
        | FailureKind.Internal -> "This is a bug in the program that drives the push."
