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

    let private moment (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)

    /// The largest number of characters of a foreign body that are shown.
    [<Literal>]
    let private LongestQuote = 200

    /// A foreign text in quotation marks that it does not contain itself.
    let private quoted (text: string) =
        let text = Check.shorten LongestQuote text
        if text.Contains '"' then $"'{text}'" else $"\"{text}\""

    let private server (reply: Reply) =
        match reply.Server with
        | Some server -> $", Server: {Check.shorten 60 server}"
        | None -> ""

    /// `an HTML page ("Blocked by policy", Server: proxy/1.0)`
    let private foreign (reply: Reply) (body: ForeignBody) =
        match body.VisibleText with
        | "" -> $"{body.Format.InWords}{server reply}"
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
        | None, None -> $"HTTP {reply.Status}"

    let private lastEvent (facts: FailureFacts) =
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
            $"the presigned URL expired at {moment at}; it is {moment facts.Now} now"
        | _ when serverSaysSo ->
            $"the server reports that the presigned URL or its token has expired: {lastEvent facts}"
        | Some at ->
            $"the presigned URL expires at {moment at}, before the next attempt could begin; last: {lastEvent facts}"
        | None -> $"the presigned URL has expired: {lastEvent facts}"

    let private refused (facts: FailureFacts) =
        match FailureFacts.reply facts with
        | Some reply when reply.Status = 407 -> $"a proxy refused the upload: {lastEvent facts}"
        | Some reply when Verdict.saysFull reply -> $"the store is full: {lastEvent facts}"
        | Some reply when FailureFacts.isPage reply ->
            $"a proxy, a gateway or a portal refused the upload before it reached the store: {lastEvent facts}"
        | Some {
                   Error = Some { Code = "SignatureDoesNotMatch" }
               } -> $"the signature in the URL does not fit the request: {lastEvent facts}"
        | Some _ -> $"the server refused the upload: {lastEvent facts}"
        | None -> lastEvent facts

    let private redirected (facts: FailureFacts) =
        let target =
            match FailureFacts.reply facts with
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
                    | parts -> ";" + String.concat "," parts

        $"the URL was presigned for another region or endpoint than the bucket's: {lastEvent facts}{target}"

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
        | _ -> $"{deadline} leaves no time for another attempt; last: {lastEvent facts}"

    let private unconfirmed (facts: FailureFacts) =
        let mayBeProxy =
            "a proxy or a portal between this machine and the store may have answered"

        match FailureFacts.reply facts with
        | Some { Contradiction = Some header } ->
            $"the response ({lastEvent facts}) has the header '{header}', which says that it is not the response to this upload; {mayBeProxy}"
        | Some reply when Verdict.isOfStore reply && (reply.ResultBucket.IsSome || reply.ResultKey.IsSome) ->
            let told =
                [ reply.ResultBucket; reply.ResultKey ] |> List.choose id |> String.concat "/"

            $"the response ({lastEvent facts}) names the object {Check.quote told}, which is not the destination"
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
        | FailureKind.Unavailable -> $"the server could not accept the upload: {lastEvent facts}"
        | FailureKind.Unreachable ->
            match FailureFacts.reply facts with
            | Some reply when reply.IsSuccess && reply.Sent.IsSome ->
                $"the body of the response ({lastEvent facts}) broke off, so the response does not show that the object is stored"
            | Some reply when reply.Status < 300 ->
                $"the server answered HTTP {reply.Status} before it had the whole body"
            | _ -> $"the connection failed: {lastEvent facts}"
        | FailureKind.TimedOut -> timedOut facts
        | FailureKind.DeadlineExceeded -> pastDeadline facts
        | FailureKind.CertificateRejected -> $"the server's certificate was rejected: {lastEvent facts}"
        | FailureKind.IntegrityMismatch ->
            match FailureFacts.reply facts with
            | Some reply when reply.Status < 300 ->
                match Integrity.differing (IntegrityTerms.ofMode facts.Plan.Target.Integrity) reply with
                | Some(reported, own) ->
                    $"the server reports the digest of other bytes than those sent: {reported.Header} is {reported.Digest.InHeader reported.Header}, and the {own.Algorithm.Title} of what was sent is {own.InHeader reported.Header}"
                | None -> "the server reports the digest of other bytes than those sent"
            | _ -> $"the server received other bytes than those sent: {lastEvent facts}"
        | FailureKind.NotAStore ->
            match FailureFacts.reply facts with
            | Some({ Error = Some _ }) ->
                $"the response has the status of a success and reports an error: {lastEvent facts}"
            | Some reply when reply.BodyEnd = BodyEnd.TooLong && not (FailureFacts.isPage reply) ->
                $"the response has the status of a success and a body of more than {S3Error.MaxBytes} bytes, which no store sends: {lastEvent facts}"
            | _ ->
                $"a proxy, a gateway or a portal between this machine and the store answered in place of the store: {lastEvent facts}"
        | FailureKind.Unconfirmed -> unconfirmed facts
        | FailureKind.Unverified ->
            "the server stored the object but confirmed no digest, and one is required"
