namespace CellOS.Export.S3.Core

open System
open System.Text
open FsToolkit.ErrorHandling

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

    /// Scheme, host, port where it is not the scheme's own, and path: where the bytes go, without the query.
    [<CompiledName("WithoutQuery")>]
    let withoutQuery (url: RequestUrl) =
        $"{url.Uri.Scheme}://{url.Uri.Authority}{path url}"

/// Where a target's uploads go: one exact URL, or a template with placeholders. Both hold a credential.
[<Sealed>]
type UrlTemplate internal (value: string, exact: RequestUrl option) =
    inherit MaskedUrl(value)
    member internal _.Exact = exact

/// Rules that this module keeps:
/// - a URL without a placeholder is exact, and goes onto the wire octet for octet;
/// - a placeholder's value is percent-encoded byte by byte outside the unreserved set of RFC 3986 (2.3), so
///   it can neither end the path nor add a parameter; only the `/` of an artifact name stays, in the path;
/// - what can be refused, is refused by `parse`: rendering cannot fail.
[<RequireQualifiedAccess>]
module UrlTemplate =
    /// Stands for the cell id.
    [<Literal>]
    let CellIdPlaceholder = "{cell_id}"

    /// Stands for the artifact name.
    [<Literal>]
    let ArtifactNamePlaceholder = "{artifact_name}"

    let private placeholderRemedy =
        "The placeholders are "
        + CellIdPlaceholder
        + " and "
        + ArtifactNamePlaceholder
        + "; any other brace must come percent-encoded (%7B, %7D)."

    /// Percent-encodes a value; with `slashes`, its slashes stay.
    let internal encode (slashes: bool) (value: string) =
        let isUnreserved c =
            Char.IsAsciiLetterOrDigit c || c = '-' || c = '.' || c = '_' || c = '~'

        let escaped =
            if String.forall isUnreserved value then value else Uri.EscapeDataString value

        if slashes then
            escaped.Replace("%2F", "/", StringComparison.Ordinal)
        else
            escaped

    let private hasPlaceholder (text: string) =
        text.Contains(CellIdPlaceholder, StringComparison.Ordinal)
        || text.Contains(ArtifactNamePlaceholder, StringComparison.Ordinal)

    /// The text with both placeholders replaced, differently before and after the `?`.
    let private fill (inPath: string -> string) (inQuery: string -> string) (value: string) =
        let replace (encode: string -> string) (part: string) =
            part
                .Replace(CellIdPlaceholder, encode CellIdPlaceholder, StringComparison.Ordinal)
                .Replace(ArtifactNamePlaceholder, encode ArtifactNamePlaceholder, StringComparison.Ordinal)

        match value.IndexOf '?' with
        | -1 -> replace inPath value
        | i -> replace inPath (value.Substring(0, i)) + replace inQuery (value.Substring i)

    /// A brace that begins or ends no known placeholder. What stands between the braces is shown only if it
    /// looks like a name and stands in the path: before it there may be a password, after it is the query.
    let private unknownPlaceholder (value: string) =
        let bare = fill (fun _ -> "") (fun _ -> "") value

        match bare.IndexOfAny [| '{'; '}' |] with
        | -1 -> None
        | i ->
            let stop = bare.IndexOf('}', i)

            let isName (name: string) =
                name <> ""
                && name.Length <= 40
                && name |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '_' || c = '-')

            let inPath =
                match RequestUrl.authorityOf bare with
                | Some { Stop = pathStart } -> pathStart <= i
                | None -> false

            if bare.AsSpan(0, i).IndexOfAny('?', '#') >= 0 then
                Some "holds an unknown placeholder or a stray brace in its query"
            elif not inPath then
                Some "holds a stray brace before its path"
            elif bare[i] = '{' && stop > i && isName (bare.Substring(i + 1, stop - i - 1)) then
                Some $"holds the unknown placeholder {bare.Substring(i, stop - i + 1)}"
            else
                Some "holds a stray brace"

    let private inAuthority (value: string) =
        let before =
            match RequestUrl.authorityOf value with
            | Some { Stop = stop } -> value.Substring(0, stop)
            | None -> value

        hasPlaceholder before

    /// A URL with or without placeholders, trimmed; or why it cannot be used. No message holds any part of
    /// its query.
    [<CompiledName("Parse")>]
    let parse (value: string) : Result<UrlTemplate, Refusal> =
        let value = RequestUrl.trim value

        match unknownPlaceholder value with
        | Some problem -> Check.refuse "upload URL" problem placeholderRemedy
        | None when inAuthority value ->
            Check.refuse
                "upload URL"
                "holds a placeholder before its path"
                "Placeholders may stand in the path and in the query; scheme, host and port are fixed."
        | None ->
            result {
                let! sample = RequestUrl.parse (fill (fun _ -> "x") (fun _ -> "x") value)
                return UrlTemplate(value, (if hasPlaceholder value then None else Some sample))
            }

    /// Whether the URL holds no placeholder, and so names one object only.
    [<CompiledName("IsExact")>]
    let isExact (template: UrlTemplate) = template.Exact.IsSome

    /// The URL for one artifact of one cell.
    [<CompiledName("Render")>]
    let render (cellId: CellId) (artifact: ArtifactName) (template: UrlTemplate) : RequestUrl =
        match template.Exact with
        | Some url -> url
        | None ->
            let value slashes name =
                match name with
                | CellIdPlaceholder -> encode slashes (CellId.value cellId)
                | _ -> encode slashes (ArtifactName.value artifact)

            RequestUrl.trust (fill (value true) (value false) template.Value)

    /// The URL with `x` in the place of all names: for what is the same in all of them.
    let internal sample (template: UrlTemplate) : RequestUrl =
        match template.Exact with
        | Some url -> url
        | None -> RequestUrl.trust (fill (fun _ -> "x") (fun _ -> "x") template.Value)

    /// Whether every artifact of a cell gets the same URL: there is no `{artifact_name}` in it.
    [<CompiledName("NamesOneObject")>]
    let namesOneObject (template: UrlTemplate) =
        not (template.Value.Contains(ArtifactNamePlaceholder, StringComparison.Ordinal))

    /// Whether there is a `{cell_id}` in it.
    [<CompiledName("NamesCell")>]
    let namesCell (template: UrlTemplate) =
        template.Value.Contains(CellIdPlaceholder, StringComparison.Ordinal)

    /// A URL that names one object, and a second artifact through it would overwrite the first. `first` is the
    /// artifact that went through it before, if any.
    [<CompiledName("Admit")>]
    let admit
        (first: ArtifactName option)
        (artifact: ArtifactName)
        (template: UrlTemplate)
        : Result<unit, Refusal> =
        match first with
        | Some first when namesOneObject template && first <> artifact ->
            Check.refuse
                "upload URL"
                $"names one object and was used for the artifact {Check.quote (ArtifactName.value first)}; the artifact {Check.quote (ArtifactName.value artifact)} would overwrite it"
                $"Give each artifact a URL of its own, or a template with {ArtifactNamePlaceholder}."
        | _ -> Ok()
