namespace CellOS.Export.S3.Core

open System

/// What follows from one attempt.
[<RequireQualifiedAccess>]
type Verdict =
    /// A 2xx after the whole body, which may come from a store: integrity has the last word.
    | Accepted of Reply: Reply * Sent: Sent
    /// A 2xx after the whole body that says too little of the object: accepted if a digest in the response confirms what
    /// was sent, otherwise what `Otherwise` says.
    | AcceptedIfConfirmed of Reply: Reply * Sent: Sent * Otherwise: Verdict
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
    /// The kind of target: an HTTP endpoint is not a store, and any success of it counts.
    Kind: TargetKind
    /// True if `If-None-Match: *` was sent.
    WriteOnce: bool
    /// True if `Expect: 100-continue` was sent.
    Expected: bool
    /// True if the URL has a signature, so that a store answers it, with a mark of its own.
    IsPresigned: bool
    /// True if a success without a mark, status or body of a store counts all the same.
    AcceptUnmarked: bool
    /// True if the URL had expired by its own words when the response came.
    IsPastExpiry: bool
    /// True if the URL's query fixes a checksum of other content than was sent, so that a store refuses every attempt.
    FixesOtherChecksum: bool
    /// The digests that the request contained, in its headers or in the query of its URL.
    Given: Digest list
    /// The bucket and the key of the destination; `None` if what a response says of them is not compared.
    Object: (string * string) option
    /// The region that a receipt would name; `None` if what a response says of it is not compared.
    Region: string option
}

/// Makes circumstances.
[<RequireQualifiedAccess>]
module Circumstances =
    /// A presigned URL that has not expired, sent without `Expect` and without write-once.
    [<CompiledName("Defaults")>]
    let defaults = {
        Kind = TargetKind.S3
        WriteOnce = false
        Expected = false
        IsPresigned = true
        AcceptUnmarked = false
        IsPastExpiry = false
        FixesOtherChecksum = false
        Given = []
        Object = None
        Region = None
    }

/// The verdict table. Rules that it keeps:
/// - 3xx and 412 end the push whatever else the response says, 403 unless the URL has expired; then the S3 code
///   counts, then the status;
/// - a 400, 401 or 403 after the URL's own end is an expiry, unless its code says clearly what else happened: damage, a
///   timeout, a file that is too large, a full store;
/// - a success counts only once the whole body has been sent, and then by what it says (`BodyMeaning`, `BodyEnd`,
///   `SuccessStatus`), the first of these rules that fits:
///   1. A page, or a body that reports an error, is never a success.
///   2. Nor is a response that says that it is not one to this upload (`Contradiction`), or names another object
///      or region.
///   3. A body that broke off, or is late, is tried again: it may have been about to report an error. One that is too
///      long, or that is neither text nor JSON nor a store's result, is not a store's.
///   4. In response to a presigned URL there must be a mark of a store, a status that says that the object is stored, and
///      no body but a store's result. The operator may accept the absence of all three (`AcceptUnmarked`).
///   5. A URL without a signature is a gateway's, whose status, text or JSON may be anything that reports no error.
///   A success of an HTTP endpoint counts whatever it says: its receipt tells what is confirmed.
///   6. A digest in the response that equals ours makes up for what is missing in 3 and 4, and for nothing that speaks
///      against a store: in response to a presigned URL, only with such a status and without a body.
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
        | "XMinioAdminBucketQuotaExceeded"
        | "InsufficientStorageSpace"
        | "InsufficientStorage" -> true
        | _ -> false

    /// Codes that ask for fewer requests (Amazon S3, MinIO, Azure, Alibaba OSS and others).
    let private isBusy (code: string) =
        match code with
        | "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "ServerBusy"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException" -> true
        | _ -> false

    let private codeOf (reply: Reply) =
        match reply.Error with
        | Some error -> error.Code
        | None -> ""

    /// True if the response says that the store or a quota is full.
    [<CompiledName("SaysFull")>]
    let saysFull (reply: Reply) =
        reply.Status = 507 || isFull (codeOf reply)

    /// True if the response asks for fewer requests.
    [<CompiledName("SaysBusy")>]
    let saysBusy (reply: Reply) =
        reply.Status = 429 || isBusy (codeOf reply)

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

    /// True if the server says that the URL, or the token that it was signed with, has expired.
    [<CompiledName("SaysExpired")>]
    let saysExpired (reply: Reply) =
        match reply.Status with
        | 400
        | 401
        | 403
        // The words may be masked; what they said before is in the flag.
        | 404 -> reply.SaysExpired || ExpiryText.says (words reply)
        | _ -> codeOf reply = "ExpiredToken"

    /// Tried again: the ordinary verdict of an attempt that has failed.
    let private unavailable = Verdict.Retry FailureKind.Unavailable

    /// True if the body of a success is a page or an error document.
    let private contradicts (reply: Reply) =
        reply.Error.IsSome || reply.Body |> Option.exists _.IsError

    let private isOfBody (meaning: BodyMeaning) (reply: Reply) =
        reply.Body |> Option.exists (fun body -> body.Meaning = meaning)

    /// True if status and body of a success are those of a store that has stored the object, as far as it was read.
    let private isStored (reply: Reply) =
        SuccessStatus.ofStatus reply.Status = SuccessStatus.Stored
        && (reply.Body.IsNone || isOfBody BodyMeaning.Result reply)

    /// True if status, mark and body of a success are those of a store that has stored the object.
    [<CompiledName("IsOfStore")>]
    let isOfStore (reply: Reply) =
        reply.IsMarked && isStored reply && reply.Contradiction.IsNone

    /// True if the response has a mark of a store that nothing else than a store could have set: a checksum that was known
    /// without the content (of an empty file, or of the request) may be one that a gateway returned.
    let private isMarked (given: Circumstances) (reply: Reply) =
        reply.HasStoreId || reply.HasOwnStoreId || reply.HasMarkBesides given.Given

    /// True if an address is that of another object: a URL, with or without its scheme, or a path.
    let private isElsewhere (bucket: string) (key: string) (address: string) =
        let address = Uri.UnescapeDataString address

        let path =
            match address.IndexOf("//", StringComparison.Ordinal) with
            | i when i = 0 || i > 0 && address[i - 1] = ':' -> address.Substring(i + 2)
            | _ -> address

        let endsWith (ending: string) (text: string) =
            text.EndsWith(ending, StringComparison.Ordinal)

        if endsWith ("/" + key) path then
            let before = path.Substring(0, path.Length - key.Length - 1)

            before.Contains '/'
            && not (endsWith ("/" + bucket) before || endsWith (":" + bucket) before)
        else
            path <> key && not (endsWith ("/" + path) key)

    /// True if the response says that the bucket is in another region than a receipt would name.
    let internal namesOtherRegion (meant: string option) (reply: Reply) =
        match meant, reply.BucketRegion with
        | Some meant, Some told -> not (meant.Equals(told.Trim(), StringComparison.OrdinalIgnoreCase))
        | _ -> false

    /// What a result document or `Location` says of where the object is, if that is not the given bucket and key.
    let internal namesOther (bucket: string, key: string) (isPresigned: bool) (reply: Reply) : string option =
        let isBucket (told: string) =
            told = bucket || told.EndsWith(":" + bucket, StringComparison.Ordinal)

        let isKey (told: string) =
            let told = told.TrimStart '/'
            told = key || Uri.UnescapeDataString told = key

        let isOther (isMeant: string -> bool) (told: string option) = told |> Option.exists (isMeant >> not)
        let isHere = isElsewhere bucket key >> not

        if isOther isBucket reply.ResultBucket || isOther isKey reply.ResultKey then
            Some(String.Join('/', List.choose id [ reply.ResultBucket; reply.ResultKey ]))
        elif isOther isHere reply.ResultLocation then
            reply.ResultLocation
        elif isPresigned && isOther isHere reply.RedirectTo then
            reply.RedirectTo
        else
            None

    let private isOfOther (given: Circumstances) (reply: Reply) =
        match given.Object with
        | None -> false
        | Some named -> (namesOther named given.IsPresigned reply).IsSome

    /// What follows from a success that no digest confirms; `None` if it counts all the same.
    let private unlessConfirmed (given: Circumstances) (reply: Reply) =
        match reply.BodyEnd with
        | BodyEnd.BrokenOff -> Some(Verdict.Retry FailureKind.Unreachable)
        | BodyEnd.Late -> Some(Verdict.Retry FailureKind.TimedOut)
        | BodyEnd.TooLong -> Some(Verdict.Stop FailureKind.NotAStore)
        | BodyEnd.Whole when isOfBody BodyMeaning.Unknown reply -> Some(Verdict.Stop FailureKind.NotAStore)
        | BodyEnd.Whole when
            given.IsPresigned
            && not given.AcceptUnmarked
            && not (isMarked given reply && isStored reply)
            ->
            Some(Verdict.Stop FailureKind.Unconfirmed)
        | BodyEnd.Whole -> None

    /// True if a digest can make up for what is missing.
    let private mayBeConfirmed (given: Circumstances) (reply: Reply) =
        reply.MayReportDigest
        && (not given.IsPresigned
            || isStored reply
               && (reply.BodyEnd = BodyEnd.Whole || reply.IsCut && reply.Body.IsNone))

    let private ofSuccess (given: Circumstances) (reply: Reply) =
        match reply.Sent with
        | Some sent when given.Kind = TargetKind.Http -> Verdict.Accepted(reply, sent)
        | None when given.Kind = TargetKind.Http -> Verdict.Retry FailureKind.Unreachable
        | _ when contradicts reply ->
            match codeOf reply with
            | code when isTransient code -> Verdict.Retry FailureKind.NotAStore
            | code when isDamage code -> Verdict.RetryOnce
            | "ExpiredToken" -> Verdict.FreshUrl
            | _ -> Verdict.Stop FailureKind.NotAStore
        | None -> Verdict.Retry FailureKind.Unreachable
        | Some _ when
            reply.Contradiction.IsSome
            || isOfOther given reply
            || namesOtherRegion given.Region reply
            ->
            Verdict.Stop FailureKind.Unconfirmed
        | Some sent ->
            match unlessConfirmed given reply with
            | None -> Verdict.Accepted(reply, sent)
            | Some otherwise when mayBeConfirmed given reply ->
                Verdict.AcceptedIfConfirmed(reply, sent, otherwise)
            | Some otherwise -> otherwise

    /// True if the code of a 400, 401 or 403 says clearly that the end of the URL is not the cause.
    let private isOtherCause (reply: Reply) (code: string) =
        isFull code
        || reply.Status = 400
           && (isDamage code
               || code = "RequestTimeout"
               || code = "EntityTooLarge"
               || isTransient code)

    let private ofReply (given: Circumstances) (reply: Reply) =
        match reply.Status, codeOf reply with
        | _ when reply.IsSuccess -> ofSuccess given reply
        | status, _ when status < 200 || status > 599 -> Verdict.Stop FailureKind.Refused
        // 3xx: never followed. The words are in `Redirect`.
        | status, _ when status <= 399 -> Verdict.Stop FailureKind.Redirected
        | 412, _ when given.WriteOnce -> Verdict.Stop FailureKind.AlreadyExists
        | 412, _ -> Verdict.Stop FailureKind.Refused
        | 417, _ when given.Expected -> Verdict.WithoutExpect
        // The same URL is used again: what has expired there is the caller's to renew.
        | (400 | 401 | 403 | 404), _ when given.Kind = TargetKind.Http && not given.IsPastExpiry ->
            match codeOf reply with
            | code when isTransient code -> unavailable
            | _ -> Verdict.Stop FailureKind.Refused
        | _ when saysExpired reply -> Verdict.FreshUrl
        | (400 | 401 | 403), code when
            given.IsPastExpiry
            && not (isOtherCause reply code)
            && not (given.FixesOtherChecksum && isOtherChecksum code)
            ->
            Verdict.FreshUrl
        // Whatever the code: SlowDown and QuotaExceeded, too.
        | 403, _ -> Verdict.Stop FailureKind.Refused
        | _, code when isTerminal code -> Verdict.Stop FailureKind.Refused
        | _, code when isTransient code -> unavailable
        | _, code when given.FixesOtherChecksum && isOtherChecksum code ->
            Verdict.Stop FailureKind.UrlUnusable
        | 400, "RequestTimeout" -> Verdict.Retry FailureKind.TimedOut
        | 400, code when isDamage code -> Verdict.RetryOnce
        | 409, ("OperationAborted" | "ConditionalRequestConflict") -> unavailable
        | (408 | 429), _ -> unavailable
        | (501 | 505 | 507), _ -> Verdict.Stop FailureKind.Refused
        | _, code when isFull code -> Verdict.Stop FailureKind.Refused
        // 500, 502, 503, 504 and all others.
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
        | FaultKind.TlsTimeout
        | FaultKind.ProxyTlsTimeout
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

    /// True if the response is a store's own refusal: it has a request id of a store, in a header or in the document, and a
    /// document that reports an error. What has no body may be a proxy's: some send such an id too.
    let private isRefusalOfStore (reply: Reply) =
        match reply.Error, reply.Body with
        | Some error, _ -> reply.HasStoreId || error.RequestId.IsSome
        | None, Some body -> reply.HasStoreId && body.Format = BodyFormat.Json && body.IsError
        | None, None -> false

    /// True if the object may have been stored by an attempt that gave no receipt: the whole body was sent, and no store
    /// refused it. A proxy, a gateway or a portal may refuse the upload, or lose its patience, after the store has the
    /// object; and a server may fail half-way. A proxy that demands credentials has forwarded nothing (RFC 9110, 15.5.8).
    [<CompiledName("MayHaveStored")>]
    let mayHaveStored (outcome: Outcome) =
        match outcome with
        | Outcome.NotSent _ -> false
        | Outcome.Unknown _ -> true
        | Outcome.Replied reply ->
            reply.IsSuccess
            || reply.Sent.IsSome
               && reply.Status <> 407
               && not (isRefusalOfStore reply && (reply.Status < 500 || saysFull reply))
