namespace CellOS.Export.S3.Core

open System
open System.Net

/// A text that holds a credential: equal by its characters, and masked by `ToString`.
[<AbstractClass>]
type MaskedUrl internal (value: string) =
    member internal _.Value = value

    override this.Equals other =
        match other with
        | :? MaskedUrl as other ->
            other.GetType() = this.GetType()
            && String.Equals(other.Value, value, StringComparison.Ordinal)
        | _ -> false

    override _.GetHashCode() =
        value.GetHashCode StringComparison.Ordinal

    override _.ToString() = Redaction.url value

/// Where a part of a text begins, and where it has ended.
type internal Extent = { First: int; Stop: int }

/// A URL that a PUT can go to: absolute, `http` or `https`, and of characters that go onto the wire as they
/// are. It holds a credential, so only `RequestUrl.reveal` gives it whole.
[<Sealed>]
type RequestUrl internal (value: string, uri: Lazy<Uri>) =
    inherit MaskedUrl(value)
    member internal _.Uri = uri.Value

[<RequireQualifiedAccess>]
module RequestUrl =
    let private subject = "upload URL"

    let private remedy =
        "Give an absolute http:// or https:// URL as the presigner made it, percent-encoded."

    let private refuse problem = Check.refuse subject problem remedy

    /// A variable that was read from a file often ends with a line break; inside, none is allowed.
    let internal trim (value: string) =
        if isNull (box value) then "" else value.Trim(' ', '\t', '\r', '\n')

    /// Where the authority of an absolute URL begins and ends.
    let internal authorityOf (value: string) =
        match value.IndexOf("://", StringComparison.Ordinal) with
        | -1 -> None
        | i ->
            let first = i + 3

            match value.IndexOfAny([| '/'; '?'; '#' |], first) with
            | -1 -> Some { First = first; Stop = value.Length }
            | stop -> Some { First = first; Stop = stop }

    /// `System.Uri` decodes `%7E` and collapses `/../` unless told not to; a signature covers those octets.
    /// Told so, it would also send an empty path, for which `/` must stand (RFC 9112, 3.2.1).
    let private tryUri (value: string) =
        let withPath =
            match authorityOf value with
            | Some { Stop = stop } when stop = value.Length || value[stop] = '?' -> value.Insert(stop, "/")
            | _ -> value

        let mutable asWritten =
            UriCreationOptions(DangerousDisablePathAndQueryCanonicalization = true)

        match Uri.TryCreate(withPath, &asWritten) with
        | true, NonNull uri when uri.Host <> "" -> Some uri
        | _ -> None

    /// The host of a URL whose authority is nothing but a name in dots, of letters, digits and inner hyphens, which
    /// `System.Uri` takes as it is, in lower case. `None`: ask `System.Uri`, whose first answer of a process takes
    /// longer than all the rest of a configuration.
    let private plainHost (value: string) =
        let isLabel (label: string) =
            label.Length >= 1
            && label.Length <= 63
            && label |> String.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '-')
            && label[0] <> '-'
            && label[label.Length - 1] <> '-'
            && not (label.StartsWith("xn--", StringComparison.OrdinalIgnoreCase))

        match authorityOf value with
        | Some { First = first; Stop = stop } when stop - first <= 253 && value.Length < 32_768 ->
            let host = value.Substring(first, stop - first)
            let labels = host.Split '.'

            let rec areLabels i =
                i = labels.Length || (isLabel labels[i] && areLabels (i + 1))

            // One name alone may have a meaning of its own, and a number at the end makes it an address.
            if
                labels.Length > 1
                && areLabels 0
                && Char.IsAsciiLetter(labels[labels.Length - 1][0])
            then
                Some(host.ToLowerInvariant())
            else
                None
        | _ -> None

    /// The URL, if it has a host that can be read.
    let private tryUrl (value: string) =
        if (plainHost value).IsSome then
            let uri () =
                match tryUri value with
                | Some uri -> uri
                | None -> invalidOp "A URL with a plain host cannot be read."

            Some(RequestUrl(value, Lazy<Uri> uri))
        else
            match tryUri value with
            | Some uri -> Some(RequestUrl(value, Lazy<Uri> uri))
            | None -> None

    /// What RFC 3986 does not allow in a URI, and `%` that begins no escape. Only the position is told: the
    /// character may be part of a secret.
    let private badCharacter (value: string) =
        let escapes i =
            i + 2 < value.Length
            && Char.IsAsciiHexDigit value[i + 1]
            && Char.IsAsciiHexDigit value[i + 2]

        let problemAt i =
            match value[i] with
            | c when Char.IsControl c -> Some $"holds the control character U+%04X{int c} at position {i + 1}"
            | ' ' -> Some $"holds a blank at position {i + 1}; it must be written as %%20"
            | c when c > '\u007e' ->
                Some $"holds a character outside ASCII at position {i + 1}; it must come percent-encoded"
            | '{'
            | '}' -> Some $"holds a brace at position {i + 1} that belongs to no placeholder"
            | '\\'
            | '"'
            | '<'
            | '>'
            | '^'
            | '`'
            | '|' ->
                Some
                    $"holds the character U+%04X{int value[i]} at position {i + 1}, which a URL does not allow; it must come percent-encoded"
            | '%' when not (escapes i) ->
                Some $"holds a '%%' at position {i + 1} that two hexadecimal digits do not follow"
            | _ -> None

        let rec from i =
            if i = value.Length then
                None
            else
                match problemAt i with
                | None -> from (i + 1)
                | problem -> problem

        from 0

    let private schemeProblem (value: string) =
        if
            value.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || value.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
        then
            None
        else
            Some "does not begin with http:// or https://"

    let private userInfoProblem (value: string) =
        match authorityOf value with
        | Some { First = first; Stop = stop } when value.IndexOf('@', first, stop - first) >= 0 ->
            Some "holds user info before the host; the signature in the query is the whole authentication"
        | _ -> None

    let private fragmentProblem (value: string) =
        if value.Contains '#' then
            Some "holds a fragment ('#'), which no server would see; a '#' in a key is written as %23"
        else
            None

    /// The URL after trimming, or why it cannot be used. No message holds any part of its query.
    [<CompiledName("Parse")>]
    let parse (value: string) : Result<RequestUrl, Refusal> =
        if String.IsNullOrWhiteSpace value then
            refuse "is empty"
        else
            let trimmed = trim value

            let problem =
                badCharacter trimmed
                |> Option.orElseWith (fun () -> schemeProblem trimmed)
                |> Option.orElseWith (fun () -> userInfoProblem trimmed)
                |> Option.orElseWith (fun () -> fragmentProblem trimmed)

            match problem with
            | Some problem -> refuse problem
            | None ->
                match tryUrl trimmed with
                | Some url -> Ok url
                | None -> refuse "has no host, or a host or port that cannot be read"

    /// For text that was rendered from a parsed template: encoded values cannot make it wrong.
    let internal trust (value: string) =
        match tryUrl value with
        | Some url -> url
        | None -> invalidOp "A URL that was rendered from a parsed template cannot be read."

    /// The whole URL with its signature, for the request itself and for nothing else.
    [<CompiledName("Reveal")>]
    let reveal (url: RequestUrl) = url.Value

    /// The whole URL with its signature as a `Uri` that is sent octet for octet, for the request itself.
    [<CompiledName("RevealUri")>]
    let revealUri (url: RequestUrl) = url.Uri

    let private afterAuthority (url: RequestUrl) =
        match authorityOf url.Value with
        | Some { Stop = stop } -> url.Value.Substring stop
        | None -> ""

    /// The path as configured, octet for octet; `/` where there is none (RFC 9112, 3.2.1).
    [<CompiledName("Path")>]
    let path (url: RequestUrl) =
        let rest = afterAuthority url

        match rest.IndexOf '?' with
        | -1 when rest = "" -> "/"
        | -1 -> rest
        | 0 -> "/"
        | i -> rest.Substring(0, i)

    /// The query as configured, without its `?`; empty for none. It holds the signature.
    [<CompiledName("RevealQuery")>]
    let revealQuery (url: RequestUrl) =
        let rest = afterAuthority url

        match rest.IndexOf '?' with
        | -1 -> ""
        | i -> rest.Substring(i + 1)

    /// `http` or `https`.
    [<CompiledName("Scheme")>]
    let scheme (url: RequestUrl) =
        url.Value.Substring(0, url.Value.IndexOf ':').ToLowerInvariant()

    /// The host in lower case, an IPv6 address without brackets.
    [<CompiledName("Host")>]
    let host (url: RequestUrl) =
        match plainHost url.Value with
        | Some host -> host
        | None -> url.Uri.IdnHost.ToLowerInvariant()

    /// An address of this host: 127.0.0.0/8, ::1, or `localhost` (RFC 6761, 6.3).
    let private isLoopback (host: string) =
        // With the root's dot, too.
        let host = host.TrimEnd '.'

        host = "localhost"
        || host.EndsWith(".localhost", StringComparison.Ordinal)
        || (match IPAddress.TryParse host with
            | true, NonNull address -> IPAddress.IsLoopback address
            | _ -> false)

    /// Whether what goes to this URL goes over a network in the clear.
    let internal isPlaintext (url: RequestUrl) =
        scheme url = "http" && not (isLoopback (host url))

    /// Scheme, host, port where it is not the scheme's own, and path: where the bytes go, without the query.
    [<CompiledName("WithoutQuery")>]
    let withoutQuery (url: RequestUrl) =
        $"{url.Uri.Scheme}://{url.Uri.Authority}{path url}"
