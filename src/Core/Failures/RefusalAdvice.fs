namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Says what to do about a response that refuses an upload.
///
/// "The presigner" is the person or program that made the URL; "this machine" runs the push.
[<RequireQualifiedAccess>]
module internal RefusalAdvice =

    /// The text of an element of the store's error document that names the cause.
    let private detail (names: string list) (reply: Reply) =
        reply.Error
        |> Option.bind (fun error ->
            error.Details
            |> List.tryFind (fun detail -> List.contains detail.Element names)
            |> Option.map _.Content)

    let private isSent (facts: FailureFacts) (name: string) =
        PushPlan.headers facts.Plan @ facts.DigestHeaders
        |> List.exists (fun header -> RequestHeader.key header = name.ToLowerInvariant())

    let private onMissingHeader (facts: FailureFacts) (name: string) =
        match name.ToLowerInvariant() with
        | _ when isSent facts name ->
            $"The request had the header {name}, and it did not arrive. Ask the network administrator for a proxy or gateway that removes headers."
        | "x-ms-blob-type" ->
            "Send the header that the store asks for: push --header 'x-ms-blob-type: BlockBlob' (in code: Headers). The URL stays valid."
        | "content-length" -> (CodeAdvice.tryFind "MissingContentLength").Value
        | "content-md5" ->
            "Ask the presigner for a URL that signs Content-MD5, or set ContentMd5: the header is then computed and sent."
        | lower when not (RequestHeader.isFree lower) ->
            $"push --header does not accept '{name}', which belongs to the signature or to the request itself. Ask the presigner for a new URL; if it is complete, look for a proxy that removes headers."
        | lower when lower.StartsWith("x-amz-", StringComparison.Ordinal) ->
            $"Ask the presigner for a URL that is signed with {name}, and give the same value in push --header '{name}: VALUE' (in code: Headers). Without the signature the header is not sent; checksums are computed."
        | _ ->
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

            $"Compare the URL with the presigner's: it may have been cut or changed. If not, ask the presigner to check the secret key, and to sign for PUT with these headers only: {names}."
        | digests ->
            let values = String.concat ", " digests

            $"The signature covers a digest, and the {values}. Export the file that was presigned, or ask the presigner for a URL for this one. If the digest is right, path or secret key is wrong."

    let private onUnsignedHeader (name: string option) =
        let header =
            match name with
            | Some name -> $"The request had a header that the signature does not cover ({name})."
            | None -> "The request had a header that the signature does not cover."

        $"{header} Ask the presigner to sign it, or remove it from push --header (in code: Headers). If you did not set it, a proxy or an HttpClient handler adds it."

    /// A parameter of the signature is wrong, or is for another region.
    let private onParameters (reply: Reply) =
        let told =
            Regex.Match(FailureFacts.words reply, "(?i)expecting '([a-z0-9-]{1,40})'")

        let inWords = if told.Success then Some told.Groups[1].Value else None

        match
            reply.Error
            |> Option.bind _.Region
            |> Option.orElse reply.BucketRegion
            |> Option.orElse inWords
        with
        | Some region ->
            $"The URL was signed for another region. Ask the presigner for a URL that is signed for {region}."
        | None ->
            "A parameter of the signature is wrong: the store's words name it. Compare the URL with the presigner's. If they are equal, ask the presigner for a URL for the right region, valid for 7 days at most."

    let private onObjectLock (facts: FailureFacts) =
        if
            facts.DigestHeaders
            |> List.exists (fun header -> RequestHeader.key header = SignedQuery.ContentMd5)
        then
            "A Content-MD5 was sent and did not arrive: look for a proxy that removes headers."
        else
            let md5 = AdviceWords.setting "ContentMd5" Variable.ContentMd5 "=1" facts

            $"The bucket has Object Lock, and wants a digest of the content. To send a Content-MD5, set {md5}; the same URL stays valid. Or ask the presigner to sign x-amz-checksum-sha256."

    /// The store does not support what was asked for.
    let private onNotImplemented (facts: FailureFacts) =
        if facts.Plan.Target.WriteOnce then
            let writeOnce = AdviceWords.setting "WriteOnce" Variable.WriteOnce "" facts

            $"The store probably does not support If-None-Match, which write-once sends. Turn {writeOnce} off, which allows overwriting, or use a store that supports it."
        else
            "The store does not support something in the request. Remove the header that it names from push --header (in code: Headers), or ask the presigner for a URL without that header or parameter."

    /// A condition was not met, and it is not that of write-once.
    let private onCondition (facts: FailureFacts) =
        let signs (name: string) =
            facts.Url |> Option.exists (PresignedUrl.signs name)

        if signs "if-none-match" then
            "An object with this key exists, and the signed header If-None-Match forbids to overwrite it. Export under another name, or ask the presigner for a URL without it."
        else
            "Neither the URL nor this push sets a condition. If an object of this name exists, ask the presigner whether it may be replaced. Ask the store's administrator which condition failed, and whether a gateway adds one."

    /// The clocks of presigner, store and this machine are too far apart.
    let private onClocks (facts: FailureFacts) (reply: Reply) =
        let isFar (span: TimeSpan) =
            span.Duration().Ticks > (TimeSpan.FromMinutes 5.).Ticks

        match FailureFacts.serverTime reply, facts.Url |> Option.bind _.SignedAt with
        | Some server, Some signed when isFar (server - facts.Now) && not (isFar (signed - facts.Now)) ->
            $"The store's clock and this machine's differ by {TimeWords.span (server - facts.Now)}. Check this machine's with a time server. If it is right, tell the store's administrator. If not, set it; then ask the presigner to check their clock, and for a new URL."
        | Some server, Some signed when
            isFar (signed - facts.Now)
            && not (isFar (server - facts.Now))
            && signed < server
            ->
            "The store's clock and this machine's agree. Ask the presigner to check the clock of the machine that presigns, and for a new URL. Export soon after it is made."
        | _ when FailureFacts.isNotYetValid facts reply ->
            "Ask the presigner to set the clock of the machine that presigns: it is fast. Then ask for a new URL, or export again once the URL is valid."
        | _ ->
            "Set the clock of the machine that presigns, or of the store: they are too far apart. Then ask the presigner for a new URL."

    /// Google Cloud Storage rejects a header or a parameter of the signature.
    let private onSecurityHeader (facts: FailureFacts) (reply: Reply) =
        let isSigned (name: string) =
            facts.Url |> Option.exists (PresignedUrl.signs (name.ToLowerInvariant()))

        let isMissing =
            detail [ "Details" ] reply
            |> Option.exists _.Contains("signedheaders", StringComparison.OrdinalIgnoreCase)

        match detail [ "ParameterName" ] reply with
        | Some name when isSent facts name && not (isSigned name) -> onUnsignedHeader (Some name)
        | Some name when isMissing && not (RequestHeader.isFree (name.ToLowerInvariant())) ->
            $"The URL was signed with the header '{name}', and no upload of this program sends it. Ask the presigner for a URL that is signed without it."
        | Some name when
            not isMissing
            && name.StartsWith("x-goog-", StringComparison.OrdinalIgnoreCase)
            && Regex.IsMatch(name, "(?i)date|expires|algorithm|credential|signature|signedheaders")
            ->
            $"The URL's {name} is missing, wrong or not valid now. Compare the URL with the presigner's. If they are equal, ask the presigner to check its clock and to give a new URL."
        | Some name when RequestHeader.isFree (name.ToLowerInvariant()) ->
            $"Ask the presigner for the value of {name}, and give it to push --header '{name}: VALUE' (in code: Headers); or for a URL that is signed without this header."
        | _ ->
            "A header or parameter of the signature is missing or wrong: the store's words name it. Ask the presigner for a new URL."

    /// The wordings of nginx, Apache, Go, Tomcat, IIS, Python and others for a request without TLS.
    let private plainHttp =
        Regex(
            @"plain\s+http|http request (?:was )?(?:sent )?to an? https|https port|ssl-enabled|requires? (?:tls|ssl|https)|"
            + @"only speaks https|(?:tls|ssl|https) (?:is )?required|secured with secure sockets|must use https|use https",
            RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
        )

    /// True if the server says that it wants TLS, and the URL is http.
    let wantsTls (facts: FailureFacts) (reply: Reply) =
        reply.Status >= 400
        && reply.Status < 500
        && facts.Address |> Option.forall (fun url -> RequestUrl.scheme url = "http")
        && reply.Error.IsNone
        && plainHttp.IsMatch(FailureFacts.words reply)

    /// A response without a store's error document, by its status; `None` for one that says little.
    let private onStatus (facts: FailureFacts) (reply: Reply) =
        let server = AdviceWords.answerer reply

        match reply.Status with
        | _ when wantsTls facts reply ->
            Some
                "The port speaks TLS, and the URL is http. Write https:// instead of http:// in the URL: the signature stays valid."
        | 405 ->
            Some
                $"The host accepts no PUT: it may be a website endpoint, a console or a gateway. Ask the presigner for a URL on the store's S3 endpoint; check {AdviceWords.proxies facts}."
        | 411 -> CodeAdvice.tryFind "MissingContentLength"
        | 413 ->
            Some
                $"The artifact ({facts.Length} bytes) is larger than {server} allows, usually a proxy or gateway in front of the store. Ask the network administrator, then the store's administrator, to raise that limit (nginx: client_max_body_size)."
        | 414 ->
            Some
                $"The URL is too long for {server}, usually a proxy or gateway. Ask its administrator to accept longer URLs (8 KB), or add {AdviceWords.host facts} to NO_PROXY."
        | 431 ->
            Some
                $"The headers or the URL are too long for {server}, usually a proxy or gateway. Ask its administrator to raise the limit, or shorten the headers of push --header (in code: Headers)."
        | 417 -> Some $"Ask the administrator of {server} to let requests with 'Expect: 100-continue' pass."
        | 421
        | 426
        | 505 ->
            Some
                "The host does not accept this connection: it may not be the store's S3 endpoint. Ask the presigner whether scheme, host and port are right."
        | 451 ->
            Some $"Ask the network administrator: a filter forbids the upload to {AdviceWords.host facts}."
        | 501 when facts.Plan.Target.WriteOnce -> Some(onNotImplemented facts)
        | 501 ->
            Some
                "The server does not know PUT or a header of the request: it may not be the store's S3 endpoint. Ask the presigner whether the host is right."
        | _ -> None

    /// A response that is not an S3 error.
    let private onForeign (facts: FailureFacts) (reply: Reply) =
        let isPage = FailureFacts.isPage reply

        match onStatus facts reply, reply.Status with
        | Some advice, _ -> advice
        | None, 401 when isPage ->
            $"Check {AdviceWords.proxies facts}, and user name and password in a proxy's URL."
        | None, _ when isPage ->
            $"Check {AdviceWords.proxies facts}. If they are right, ask the network administrator to allow PUT requests to that host."
        | None, 412 -> onCondition facts
        | None, status when reply.Body.IsSome ->
            let doubt =
                match status with
                | 404 -> "to check bucket and path of the URL"
                | 401 -> "for a new URL for PUT"
                | _ -> "to check permission and expiry of the URL"

            if reply.HasStoreId then
                $"Ask the presigner {doubt}. If that does not help, ask the store's administrator, with the request id."
            else
                $"A gateway may have answered, not the store: check {AdviceWords.proxies facts}. If they are right, ask the gateway's administrator, and the presigner {doubt}."
        | None, _ when FailureFacts.isUnmarked reply ->
            $"Look first for what answers in place of the store: check {AdviceWords.proxies facts}, and gateways. If it is the store, ask the presigner about bucket and permission."
        | None, 404 -> (CodeAdvice.tryFind "NoSuchBucket").Value
        | None, 401 ->
            "Ask the presigner for a new URL. If this machine uses a proxy, check user name and password in its URL."
        | None, 403 ->
            "The server gives no reason. Ask the presigner whether the URL has expired, and whether their credentials may put this object (s3:PutObject). If both are right, ask the store's administrator whether a policy forbids it."
        | None, _ ->
            "Another attempt would end in the same way. Ask the store's administrator for the reason, with the time and the request id."

    /// Returns what to do about the response.
    let describe (facts: FailureFacts) (reply: Reply) : string =
        let words = FailureFacts.words reply

        let says (text: string) =
            words.Contains(text, StringComparison.OrdinalIgnoreCase)

        match reply.Error |> Option.map _.Code with
        | _ when Verdict.saysFull reply ->
            "Ask the store's administrator to free space or to raise the quota, and export again."
        | _ when FailureFacts.isAboutClocks facts reply -> onClocks facts reply
        | None -> onForeign facts reply
        | Some _ when Verdict.saysBusy reply ->
            "The store asks for fewer requests: wait some minutes, and export fewer artifacts at once (push --concurrency)."
        | Some "MissingRequiredHeader" when (detail [ "HeaderName"; "Header" ] reply).IsSome ->
            onMissingHeader facts (detail [ "HeaderName"; "Header" ] reply).Value
        | Some "MissingRequiredHeader" ->
            "The store wants a header that the request does not have. Ask the presigner which one, and to sign it; give the same in push --header (in code: Headers)."
        | Some "MalformedSecurityHeader" -> onSecurityHeader facts reply
        | Some "SignatureDoesNotMatch" -> onSignature facts
        | Some "AccessDenied" when says "not signed" -> onUnsignedHeader (detail [ "HeadersNotSigned" ] reply)
        | Some "AccessDenied" when says "explicit deny" ->
            "A policy denies the upload explicitly. Ask the store's administrator to change it. More permissions for the presigner do not help."
        | Some "NotImplemented" when (CodeAdvice.tryFindByWords words).IsSome ->
            (CodeAdvice.tryFindByWords words).Value
        | Some "NotImplemented" -> onNotImplemented facts
        | Some _ when reply.Status = 501 || says "If-None-Match" && reply.Status <> 412 ->
            onNotImplemented facts
        | Some _ when reply.Status = 412 -> onCondition facts
        | Some "InvalidRequest" when says "AWS4-HMAC-SHA256" ->
            "Ask the presigner for a URL that is signed with SigV4 (AWS4-HMAC-SHA256): this region does not accept SigV2."
        | Some("AuthorizationQueryParametersError" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") ->
            onParameters reply
        | Some "InvalidRequest" when says "Content-MD5" -> onObjectLock facts
        | Some code ->
            match
                CodeAdvice.tryFind code
                |> Option.orElseWith (fun () -> CodeAdvice.tryFindByWords words),
                reply.Status
            with
            | Some advice, _ -> advice
            | None, (411 | 413) -> (onStatus facts reply).Value
            | None, 404 ->
                "Ask the presigner for a URL with the right host and bucket: the store does not find them."
            | None, 401 ->
                "Ask the presigner for a new URL: the store does not accept its signature or credentials."
            | None, 403 ->
                "Ask the presigner whether their credentials have the permission s3:PutObject for this object. Ask the store's administrator whether a policy forbids the upload."
            | None, _ ->
                "The store's words say what it rejects. If it is a header of push --header (in code: Headers), correct it. If not, ask the presigner for a new URL, or the store's support, with the request id."

    /// Returns what to do about a proxy that does not let the upload through.
    let onProxy (status: int) (facts: FailureFacts) =
        let variable = AdviceWords.proxySetting facts

        match status with
        | 401
        | 407 when FailureFacts.proxy facts |> Option.exists (_.HasCredentials >> not) ->
            $"The proxy wants a user name and a password, and its URL ({variable}) has none. Ask the proxy's administrator for them, and write http://USER:PASSWORD@HOST:PORT; special characters must be percent-encoded."
        | 401
        | 407 ->
            $"Check user name and password in the proxy's URL ({variable}); special characters in them must be percent-encoded. If they are right, ask the proxy's administrator: only Basic authentication is supported."
        | 502
        | 503
        | 504 ->
            $"The proxy could not reach the server. Ask the proxy's administrator whether it resolves and reaches this host and port. Or correct the proxy ({variable}), or add {AdviceWords.host facts} to NO_PROXY."
        | _ ->
            $"Check that this is the right proxy ({variable}). If it is, ask the proxy's administrator to allow tunnels (CONNECT) to this host and port. Where a direct connection is possible, add {AdviceWords.host facts} to NO_PROXY."
