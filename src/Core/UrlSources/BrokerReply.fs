namespace CellOS.Export.S3.Core

open System

/// The HTTP response of a broker, as far as it was read.
type BrokerReply = {
    /// The HTTP status.
    Status: int
    /// The header `Retry-After`.
    RetryAfter: string option
    /// The header `Content-Type`.
    ContentType: string option
    /// The body: `UrlResponse.MaxBytes` and one byte at most.
    Body: ReadOnlyMemory<byte>
}

/// The bearer token of a request to a broker.
[<RequireQualifiedAccess>]
type BrokerTokenUse =
    /// The request had none.
    | Absent
    /// The token was read for this request.
    | Read
    /// The token was read again, after the broker had not accepted it.
    | ReadAgain

/// Reads bearer tokens.
[<RequireQualifiedAccess>]
module BrokerToken =

    /// The largest file with a token, in bytes: 64 KiB.
    [<Literal>]
    let MaxBytes = 65536

    /// Returns the token in the text of a file (RFC 6750, 2.1), or what is wrong with it. No message contains any of it.
    [<CompiledName("Parse")>]
    let parse (text: string) : Result<string, Refusal> =
        let token = text.Trim()

        if token = "" then
            Check.refuse "token file" "is empty" "Write the broker's bearer token into it."
        elif not (BearerToken.isToken token) then
            Check.refuse
                "token file"
                "contains more than a token: spaces, line breaks or characters outside ASCII"
                "Write the broker's bearer token into it, on one line and without 'Bearer'."
        else
            Ok token

/// What follows from one request to a broker. Reasons are redacted and have no full stop.
[<RequireQualifiedAccess>]
type BrokerVerdict =
    /// A URL.
    | Granted of Grant: UrlGrant
    /// The broker may have a URL later: after the given time at the earliest.
    | Later of Reason: string * After: TimeSpan
    /// The token is not accepted: read it again, and repeat the request once.
    | RenewToken of Reason: string
    /// The broker gives no URL for this artifact.
    | Refused of Reason: string

/// Reads what came of a request to a broker.
///
/// Rules that this module keeps:
/// - 408, 429 and 5xx may pass, and `Retry-After` is honoured; so may faults of the network that may pass for a store;
/// - 401 is a token that may have been renewed meanwhile, the first time;
/// - a success counts only if its body follows the protocol; a page of a proxy or a portal does not;
/// - no reason contains one of the given secrets.
[<RequireQualifiedAccess>]
module BrokerVerdict =

    let private isPassing (status: int) =
        status = 408 || status = 429 || (status >= 500 && status <= 599)

    let private isHtml (reply: BrokerReply) =
        reply.ContentType
        |> Option.exists (fun mediaType -> mediaType.Contains("html", StringComparison.OrdinalIgnoreCase))
        || reply.Body.Span.TrimStart(" \t\r\n"B).StartsWith("<"B)

    /// What the response says in words: ` ("quota is used up")`, or nothing.
    let private words (reply: BrokerReply) (response: UrlResponse) =
        match response with
        | UrlResponse.Refused message -> $" (\"{message}\")"
        | _ when isHtml reply -> " with an HTML page"
        | _ -> ""

    let private redirect = "redirects are not followed. Set the broker's final address"

    let private protocol (reply: BrokerReply) (defect: string) =
        if isHtml reply then
            "with an HTML page: a proxy or a portal may have answered in its place"
        else
            $"but {UrlResponse.defectInWords defect}"

    /// Returns what follows from a response. `who` names the broker.
    [<CompiledName("OfReply")>]
    let ofReply
        (who: string)
        (secrets: string list)
        (token: BrokerTokenUse)
        (now: DateTimeOffset)
        (reply: BrokerReply)
        : BrokerVerdict =
        let response = UrlResponse.parse secrets reply.Body
        let answered = $"{who} answered HTTP {reply.Status}"

        let refused (text: string) =
            BrokerVerdict.Refused(Redaction.known secrets text)

        match reply.Status, response with
        | status, UrlResponse.Granted grant when status >= 200 && status <= 299 -> BrokerVerdict.Granted grant
        | status, UrlResponse.Refused message when status >= 200 && status <= 299 ->
            refused $"{who} refused to give a URL: \"{message}\""
        | status, UrlResponse.Invalid defect when status >= 200 && status <= 299 ->
            refused $"{answered} {protocol reply defect}"
        | status, _ when status >= 300 && status <= 399 ->
            refused $"{answered}{words reply response}; {redirect}"
        | status, _ when isPassing status ->
            BrokerVerdict.Later(
                Redaction.known secrets $"{answered}{words reply response}",
                Retry.asked RetryPolicy.MaxWait now reply.RetryAfter None
            )
        | 401, _ when token.IsAbsent ->
            refused
                $"{answered}{words reply response}, and the request had no token. Set the file with the broker's token ({Variable.BrokerTokenFile}<TARGET>)"
        | 401, _ when token.IsRead ->
            BrokerVerdict.RenewToken(Redaction.known secrets $"{answered}{words reply response}")
        | 401, _ ->
            refused
                $"{answered}{words reply response}, also with the token that was read again. Renew the token in the broker's token file"
        | 403, _ ->
            refused
                $"{answered}{words reply response}: it does not allow this object. Ask the broker's administrator which cells and key prefixes the token is for"
        | 404, _ -> refused $"{answered}{words reply response}. Check the broker's address, its path too"
        | _ -> refused $"{answered}{words reply response}"

    /// Returns what follows from a request that got no response. The detail names what failed.
    [<CompiledName("OfFault")>]
    let ofFault (who: string) (secrets: string list) (kind: FaultKind) (detail: string) : BrokerVerdict =
        let reason =
            Redaction.known secrets $"{who} gave no response: {detail}"
            |> Redaction.text
            |> Check.visible

        match Verdict.ofOutcome Circumstances.defaults (Outcome.NotSent(Fault.Create(kind, detail, 0L))) with
        | Verdict.Retry _ -> BrokerVerdict.Later(reason, TimeSpan.Zero)
        | _ -> BrokerVerdict.Refused reason
