namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// Says what happened when a push failed, in one sentence without a full stop.
[<RequireQualifiedAccess>]
module internal FailureCause =

    /// A duration for people, in milliseconds below a second.
    let duration (span: TimeSpan) =
        if span < TimeSpan.FromSeconds 1. then
            Check.invariant $"{Math.Floor span.TotalMilliseconds} ms"
        else
            Check.invariant $"{Math.Round(span.TotalSeconds, 3)} s"

    let private moment = TimeWords.moment

    /// The largest number of characters of a foreign body that are shown.
    [<Literal>]
    let private LongestQuote = 200

    /// A foreign text in quotation marks that it does not contain itself.
    let private quoted (text: string) =
        let text = Check.shorten LongestQuote text
        if text.Contains '"' then $"'{text}'" else $"\"{text}\""

    /// The programs that answered or passed the response on, by their own word: `Server: nginx, Via: 1.1 proxy`.
    let private programs (reply: Reply) =
        [
            reply.Server |> Option.map (fun server -> $"Server: {Check.shorten 60 server}")
            reply.Via |> Option.map (fun via -> $"Via: {Check.shorten 60 via}")
        ]
        |> List.choose id
        |> String.concat ", "

    let private server (reply: Reply) =
        match programs reply with
        | "" -> ""
        | programs -> ", " + programs

    /// `an HTML page ("Blocked by policy", Server: proxy/1.0)`
    let private foreign (reply: Reply) (body: ForeignBody) =
        match body.VisibleText with
        | "" when programs reply <> "" -> $"{body.Format.InWords} ({programs reply})"
        | "" -> body.Format.InWords
        | text -> $"{body.Format.InWords} ({quoted text}{server reply})"

    /// `HTTP 403 AccessDenied ("Request has expired")`, or `HTTP 403 with an HTML page ("Blocked by policy")`
    let private response (reply: Reply) =
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
        | None, None when FailureFacts.isUnmarked reply && programs reply <> "" ->
            $"HTTP {reply.Status} without a body ({programs reply})"
        | None, None -> $"HTTP {reply.Status}"

    let lastEvent (facts: FailureFacts) =
        match facts.Last with
        | Some(Outcome.Replied reply) -> response reply
        | Some(Outcome.NotSent fault | Outcome.Unknown fault) -> fault.Detail
        | None -> "no attempt was made"

    let private progress (facts: FailureFacts) =
        match FailureFacts.fault facts with
        | Some fault -> Check.invariant $"{fault.BytesSent} of {facts.Length} bytes had been sent"
        | None -> "no byte had been sent"

    let private timedOut (facts: FailureFacts) =
        let limits = facts.Plan.Target.Limits

        match FailureFacts.fault facts |> Option.map _.Kind with
        // The detail names what did not respond: the server or a proxy.
        | Some FaultKind.ConnectTimeout ->
            $"there was no connection within {duration limits.ConnectTimeout}: {lastEvent facts}"
        | Some(FaultKind.TlsTimeout | FaultKind.ProxyTlsTimeout) ->
            $"there was no TLS handshake within {duration limits.ConnectTimeout}: {lastEvent facts}"
        | Some FaultKind.StallTimeout ->
            match limits.StallTimeout with
            | Some stall -> $"no byte moved for {duration stall}; {progress facts}"
            | None -> $"the connection stalled; {progress facts}"
        | Some FaultKind.RequestTimeout ->
            $"there was no response within the request timeout of {duration limits.RequestTimeout}; {progress facts}"
        | Some _ -> lastEvent facts
        | None ->
            match FailureFacts.reply facts with
            | Some reply when reply.IsSuccess ->
                $"the body of the response ({lastEvent facts}) did not arrive in time, so the response does not show that the object is stored"
            | _ -> lastEvent facts

    let private expired (facts: FailureFacts) =
        let serverSaysSo = FailureFacts.reply facts |> Option.exists Verdict.saysExpired

        match facts.Url |> Option.bind _.ExpiresAt with
        | Some at when at <= facts.Now ->
            match FailureFacts.reply facts with
            | Some reply when reply.Error.IsSome ->
                $"the presigned URL expired at {moment at}, and the server refused it: {lastEvent facts}"
            | _ -> $"the presigned URL expired at {moment at}; it is {moment facts.Now} now"
        | _ when serverSaysSo ->
            $"the server reports that the presigned URL or its token has expired: {lastEvent facts}"
        | Some at ->
            $"the presigned URL expires at {moment at}, before the next attempt could begin; last: {lastEvent facts}"
        | None -> $"the presigned URL has expired: {lastEvent facts}"

    /// The times that a refusal is about, as far as they are known.
    let private clocks (facts: FailureFacts) (reply: Reply) =
        [
            facts.Url
            |> Option.bind _.SignedAt
            |> Option.map (fun at -> $"the URL is valid from {moment at}")
            FailureFacts.serverTime reply
            |> Option.map (fun at -> $"the store's clock shows {moment at}")
            Some $"this machine's clock shows {moment facts.Now}"
        ]
        |> List.choose id
        |> String.concat ", "

    let private refusedBy (facts: FailureFacts) (reply: Reply) =
        let isLimit =
            match reply.Status with
            | 405
            | 411
            | 413
            | 414
            | 421
            | 426
            | 431
            | 501
            | 505 -> true
            | _ -> false

        match reply.Error with
        | _ when reply.Status = 407 ->
            match FailureFacts.proxy facts with
            | Some proxy -> $"{proxy.InWords} refused the upload: {lastEvent facts}"
            | None -> $"a proxy refused the upload: {lastEvent facts}"
        | _ when Verdict.saysFull reply -> $"the store is full, or a quota is used up: {lastEvent facts}"
        | _ when RefusalAdvice.wantsTls facts reply ->
            $"the server wants TLS, and the request was sent without it: {lastEvent facts}"
        | _ when FailureFacts.isAboutClocks facts reply ->
            $"the server refused the upload: {lastEvent facts}; {clocks facts reply}"
        | _ when FailureFacts.isPage reply && not isLimit ->
            $"a proxy, a gateway or a portal refused the upload: {lastEvent facts}"
        | _ when FailureFacts.isUnmarked reply && not isLimit ->
            $"nothing in the response is a store's: {lastEvent facts}"
        | Some { Code = "SignatureDoesNotMatch" } ->
            $"the signature in the URL does not fit the request: {lastEvent facts}"
        | _ -> $"the server refused the upload: {lastEvent facts}"

    let private refused (facts: FailureFacts) =
        match FailureFacts.reply facts with
        | Some reply -> refusedBy facts reply
        | None -> lastEvent facts

    let private redirected (facts: FailureFacts) =
        match FailureFacts.reply facts with
        | Some reply ->
            let redirect = Redirect.ofReply facts.Address reply
            $"{Redirect.cause redirect}: {lastEvent facts}{Redirect.target redirect reply}"
        | None -> lastEvent facts

    /// What the store asks to wait, where that is worth telling.
    let private askedWait (facts: FailureFacts) =
        let asked = FailureFacts.askedWait facts
        let longest = facts.Plan.Target.Retry.MaxBackoff

        if asked < TimeSpan.FromSeconds 1. then
            ""
        elif asked.Ticks > longest.Ticks then
            $"; the server asks to wait {TimeWords.span asked}, and the longest wait is {duration longest}"
        else
            $"; the server asks to wait {TimeWords.span asked}"

    /// True if the source of URLs had none to the end.
    let private isWithoutUrl (facts: FailureFacts) =
        FailureFacts.fault facts |> Option.exists _.Kind.IsNoUrl

    let private pastDeadline (facts: FailureFacts) =
        let deadline =
            match facts.Plan.Target.Limits.Deadline with
            | Some deadline -> $"the deadline of {duration deadline} over all attempts"
            | None -> "the deadline"

        match facts.Attempts, FailureFacts.fault facts with
        | 0, Some { Kind = FaultKind.NoUrl } ->
            $"{deadline} passed before there was a URL; last: {lastEvent facts}"
        | 0, _ -> $"{deadline} passed before the first attempt could begin"
        | _ -> $"{deadline} leaves no time for another attempt; last: {lastEvent facts}{askedWait facts}"

    let private unconfirmed (facts: FailureFacts) =
        let mayBeProxy = "a proxy or a portal may have answered"

        match FailureFacts.reply facts with
        | Some { Contradiction = Some name } ->
            let where = if name = ResponseBody.Size then "element" else "header"

            $"the response ({lastEvent facts}) has the {where} '{name}', which says that it is not the response to this upload; {mayBeProxy}"
        | Some reply when
            facts.Plan.Target.KeyCheck
            && Verdict.namesOtherRegion (PushPlan.regionAt facts.Address facts.Plan) reply
            ->
            let told = reply.BucketRegion |> Option.defaultValue ""
            let meant = PushPlan.regionAt facts.Address facts.Plan |> Option.defaultValue ""

            $"the response ({lastEvent facts}) says that the bucket is in the region {Check.quote told}, and the receipt would say {Check.quote meant}"
        | Some(FailureFacts.OtherObject facts told) ->
            $"the response ({lastEvent facts}) names the object {Check.quote told}, which is not the destination"
        | Some reply when not reply.IsMarked && reply.OnlyETag.IsSome ->
            $"the response ({lastEvent facts}) has an ETag that any web server sends (weak, or of an empty body), and no other mark of a store; {mayBeProxy}"
        | Some reply when not reply.IsMarked ->
            $"the response ({lastEvent facts}) has none of the headers that stores send (ETag, checksum, version, request id); {mayBeProxy}"
        | Some reply ->
            match SuccessStatus.ofStatus reply.Status with
            | SuccessStatus.NotYetStored ->
                $"the response ({lastEvent facts}) says that the upload was accepted and not processed yet, and no digest in it confirms the content"
            | SuccessStatus.NotOfAnUpload ->
                $"the response ({lastEvent facts}) has a status that stores do not send in response to an upload, and no digest in it confirms the content; {mayBeProxy}"
            | SuccessStatus.Stored when reply.Body.IsNone ->
                $"the response ({lastEvent facts}) has no mark of a store but a digest that was known without the content; {mayBeProxy}"
            | SuccessStatus.Stored ->
                $"the response ({lastEvent facts}) has a body that stores do not send, and no digest in it confirms the content; {mayBeProxy}"
        | None -> lastEvent facts

    /// Returns what happened.
    let describe (kind: FailureKind) (facts: FailureFacts) : string =
        match kind with
        | FailureKind.SourceNotFound
        | FailureKind.SourceNotAFile
        | FailureKind.SourceAccessDenied
        | FailureKind.SourceUnreadable
        | FailureKind.SourceChanged
        | FailureKind.LocalFault
        | FailureKind.Internal -> lastEvent facts
        | FailureKind.SourceTooLarge ->
            Check.invariant
                $"the file has {facts.Length} bytes, and {facts.Plan.Target.MaxObjectBytes} are allowed in one PUT"
        | FailureKind.UrlUnusable ->
            match FailureFacts.reply facts, facts.Url |> Option.bind _.EmptyChecksum with
            | Some _, Some checksum ->
                $"the URL contains the checksum of an empty file ('{checksum}'), so the store rejects every file that is not empty: {lastEvent facts}"
            | _ -> lastEvent facts
        | FailureKind.UrlExpired -> expired facts
        | FailureKind.Refused -> refused facts
        | FailureKind.Redirected -> redirected facts
        | FailureKind.AlreadyExists when facts.MayBeStored ->
            "an object with this key exists; an attempt of this push ended without a clear response, so the object may be its own"
        | FailureKind.AlreadyExists -> "an object with this key exists, and it was not overwritten"
        | FailureKind.Unavailable when isWithoutUrl facts -> $"there was no URL: {lastEvent facts}"
        | FailureKind.Unavailable ->
            $"the server could not accept the upload: {lastEvent facts}{askedWait facts}"
        | FailureKind.Unreachable ->
            match FailureFacts.reply facts with
            | Some reply when reply.IsSuccess && reply.Sent.IsSome ->
                $"the body of the response ({lastEvent facts}) broke off, so the response does not show that the object is stored"
            | Some reply when reply.Status < 300 ->
                $"the server answered HTTP {reply.Status} before it had the whole body"
            | _ ->
                match FailureFacts.fault facts |> Option.map _.Kind with
                | Some(FaultKind.TlsHandshake | FaultKind.NotTls | FaultKind.ProxyNotTls) ->
                    $"there was no TLS connection: {lastEvent facts}"
                | _ -> $"the connection failed: {lastEvent facts}"
        | FailureKind.TimedOut -> timedOut facts
        | FailureKind.DeadlineExceeded -> pastDeadline facts
        | FailureKind.CertificateRejected -> $"the server's certificate was rejected: {lastEvent facts}"
        | FailureKind.IntegrityMismatch ->
            match FailureFacts.reply facts with
            | Some reply when reply.Status < 300 ->
                match Integrity.differing (IntegrityTerms.ofMode facts.Plan.Target.Integrity) reply with
                | Some(reported, own) ->
                    $"the object in the store is not what was sent: its {reported.Header} is {reported.Digest.InHeader reported.Header}, and the {own.Algorithm.Title} of what was sent is {own.InHeader reported.Header}"
                | None ->
                    "the server reported a digest of other bytes than were sent, and has confirmed no attempt since"
            | _ -> $"the server received other bytes than those sent: {lastEvent facts}"
        | FailureKind.NotAStore ->
            match FailureFacts.reply facts with
            | Some({ Error = Some _ }) ->
                $"the response has the status of a success and reports an error: {lastEvent facts}"
            | Some reply when reply.BodyEnd = BodyEnd.TooLong && not (FailureFacts.isPage reply) ->
                $"the response has the status of a success and a body of more than {S3Error.MaxBytes} bytes, which no store sends: {lastEvent facts}"
            | _ ->
                $"something between this machine and the store answered (a proxy, gateway or portal): {lastEvent facts}"
        | FailureKind.Unconfirmed -> unconfirmed facts
        | FailureKind.Unverified ->
            "the server stored the object but confirmed no digest, and one is required"
