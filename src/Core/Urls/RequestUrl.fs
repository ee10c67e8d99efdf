namespace CellOS.Export.S3.Core

open System
open System.Net
open System.Threading

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

    override _.ToString() =
        let shown = Redaction.url value

        let stop =
            match shown.IndexOf '?' with
            | -1 -> shown.Length
            | query -> query

        ShownPath.mask "" (shown.Substring(0, stop)) + shown.Substring stop

/// A URL that a PUT can go to: absolute, `http` or `https`, and of characters that go onto the wire as they
/// are. It holds a credential, so only `RequestUrl.reveal` gives it whole.
[<Sealed>]
type RequestUrl
    internal
    (
        value: string,
        authority: Extent,
        queryFirst: int,
        hasPlainHost: bool,
        query: SignedQuery,
        madeUri: Uri | null
    ) =
    inherit MaskedUrl(value)

    // Made when it is first asked for, unless it had to be to read the URL: a start of the command line's need not wait
    // for System.Uri.
    let mutable uri: Uri | null = madeUri
    let mutable lowerAuthority: string | null = null
    let mutable path: string | null = null

    member internal _.Authority = authority

    /// Where its query begins, behind the `?`; its end if it has none.
    member internal _.QueryFirst = queryFirst

    /// Whether `System.Uri` takes the host as it is written, in lower case.
    member internal _.HasPlainHost = hasPlainHost

    /// What its query says, read when the URL was made.
    member internal _.Query = query

    /// Where the path has ended: at a `?`, even if nothing is behind it, or with the URL.
    member internal _.PathStop =
        let last = queryFirst - 1

        if last >= authority.Stop && value[last] = '?' then last else queryFirst

    /// The path, octet for octet; `/` if it is empty (RFC 9112, 3.2.1).
    member internal this.Path: string =
        match path with
        | null ->
            let made =
                match value.Substring(authority.Stop, this.PathStop - authority.Stop) with
                | "" -> "/"
                | written -> written

            path <- made
            made
        | made -> made

    /// Host and port as they are written, in lower case.
    member internal _.LowerAuthority: string =
        match lowerAuthority with
        | null ->
            let made =
                value.Substring(authority.First, authority.Stop - authority.First).ToLowerInvariant()

            lowerAuthority <- made
            made
        | made -> made

    /// The same `Uri` for everybody who asks, in whatever thread: the first one that was made.
    member internal _.Uri(make: string -> Uri) : Uri =
        // The pattern for it would cost an object at each call.
        if isNull (Volatile.Read &uri) then
            Interlocked.CompareExchange(&uri, make value, null) |> ignore

        nonNull uri

/// Reads URLs, and shows them: whole by `reveal` alone.
[<RequireQualifiedAccess>]
module RequestUrl =
    let private subject = "upload URL"

    /// What to do about most of what is wrong with a URL of a presigner.
    let internal remedy =
        "Give an absolute http:// or https:// URL as the presigner made it, percent-encoded."

    let private refuse problem = Check.refuse subject problem remedy

    let private asMangling problem = { Problem = problem; Remedy = remedy }

    let private blanks = [| ' '; '\t'; '\r'; '\n' |]

    /// A variable that was read from a file often ends with a line break; inside, none is allowed.
    let internal trim (value: string) =
        if isNull (box value) then "" else value.Trim blanks

    /// `System.Uri` decodes `%7E` and collapses `/../` unless told not to; a signature covers those octets.
    /// Told so, it would also send an empty path, for which `/` must stand (RFC 9112, 3.2.1).
    let private tryUri (value: string) =
        let withPath =
            match UrlAuthority.find value with
            | ValueSome { Stop = stop } when stop = value.Length || value[stop] = '?' ->
                value.Insert(stop, "/")
            | _ -> value

        let mutable asWritten =
            UriCreationOptions(DangerousDisablePathAndQueryCanonicalization = true)

        match Uri.TryCreate(withPath, &asWritten) with
        | true, NonNull uri when uri.Host <> "" -> Some uri
        | _ -> None

    let private uriOf (value: string) =
        match tryUri value with
        | Some uri -> uri
        | None -> invalidOp "A URL whose host could be read cannot be read."

    /// Longer ones are left to `System.Uri`, which has a limit of its own.
    [<Literal>]
    let private LongestPlain = 32_767

    /// Where the query begins, behind its `?`; the end of the URL if it has none.
    let private queryAfter (value: string) (first: int) =
        match value.IndexOf('?', first) with
        | -1 -> value.Length
        | i -> i + 1

    /// The URL, if it has a host that can be read.
    let private tryUrl (value: string) =
        match UrlAuthority.find value with
        | ValueNone -> None
        | ValueSome authority ->
            let isPlain = value.Length <= LongestPlain && UrlAuthority.isPlain value authority

            let uri = if isPlain then null else tryUri value |> Option.toObj

            if isPlain || not (isNull uri) then
                let first = queryAfter value authority.Stop

                Some(
                    RequestUrl(
                        value,
                        authority,
                        first,
                        isPlain,
                        SignedQuery.read value authority.Stop first,
                        uri
                    )
                )
            else
                None

    let private hasScheme (value: string) =
        value.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || value.StartsWith("https://", StringComparison.OrdinalIgnoreCase)

    let private schemeProblem (value: string) =
        if hasScheme value then
            None
        else
            Some(asMangling "does not begin with http:// or https://")

    let private manglingOfText (value: string) =
        if
            value.AsSpan().IndexOfAnyExcept UrlCharacters.allowed >= 0
            || MangledText.mayBe value
        then
            MangledText.find value
            |> Option.orElseWith (fun () -> if hasScheme value then None else MangledText.beginning value)
        elif not (hasScheme value) then
            MangledText.beginning value
        elif not (UrlCharacters.areEscapesWhole value) then
            MangledText.find value
        else
            None

    /// What altered a trimmed URL on its way here so that it cannot be used.
    let internal mangling (value: string) : Mangling option =
        let inText =
            UnfilledText.find value |> Option.orElseWith (fun () -> manglingOfText value)

        if inText.IsNone && hasScheme value then RewrittenLink.find value else inText

    let internal refuseMangled (mangling: Mangling) =
        Check.refuse subject mangling.Problem mangling.Remedy

    let private userInfoProblem (value: string) =
        match UrlAuthority.find value with
        | ValueSome { First = first; Stop = stop } when value.IndexOf('@', first, stop - first) >= 0 ->
            Some(asMangling "holds user info before the host, which no request sends")
        | _ -> None

    let private fragmentProblem (value: string) =
        if value.Contains '#' then
            Some(
                asMangling
                    "holds a fragment ('#'), which no server would see; a '#' in a path is written as %23"
            )
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
                mangling trimmed
                |> Option.orElseWith (fun () -> UrlCharacters.problem trimmed |> Option.map asMangling)
                |> Option.orElseWith (fun () -> schemeProblem trimmed)
                |> Option.orElseWith (fun () -> userInfoProblem trimmed)
                |> Option.orElseWith (fun () -> fragmentProblem trimmed)

            match problem with
            | Some problem -> refuseMangled problem
            | None ->
                match tryUrl trimmed with
                | Some url -> Ok url
                | None -> refuse "has no host, or a host or port that cannot be read"

    /// For text that was rendered from a parsed template: encoded values cannot make it wrong.
    let internal trust (value: string) =
        match tryUrl value with
        | Some url -> url
        | None -> invalidOp "A URL that was rendered from a parsed template cannot be read."

    /// The same for text that differs from a URL of that template in its path alone: what is before it and behind it
    /// has been read already.
    let internal withOtherPath (url: RequestUrl) (value: string) =
        if value.Length <= LongestPlain then
            let first = value.Length - (url.Value.Length - url.QueryFirst)
            RequestUrl(value, url.Authority, first, url.HasPlainHost, url.Query, null)
        else
            trust value

    /// The whole URL with its signature, for the request itself and for nothing else.
    [<CompiledName("Reveal")>]
    let reveal (url: RequestUrl) = url.Value

    /// The whole URL with its signature as a `Uri` that is sent octet for octet, for the request itself.
    [<CompiledName("RevealUri")>]
    let revealUri (url: RequestUrl) = url.Uri uriOf

    /// The path as configured, octet for octet; `/` where there is none (RFC 9112, 3.2.1).
    [<CompiledName("Path")>]
    let path (url: RequestUrl) = url.Path

    /// The query as configured, without its `?`; empty for none. It holds the signature.
    [<CompiledName("RevealQuery")>]
    let revealQuery (url: RequestUrl) = url.Value.Substring url.QueryFirst

    /// The value of the first parameter of this name, in any case, percent-decoded.
    let internal parameter (name: string) (url: RequestUrl) : string option =
        SignedQuery.find name url.Value url.QueryFirst

    /// True if the URL has a signature that this library knows: a store answers it, not a gateway of its own kind.
    [<CompiledName("IsPresigned")>]
    let isPresigned (url: RequestUrl) =
        url.Query.Signature <> UrlSignature.Unsigned

    /// Host and port as configured, in lower case.
    let internal authority (url: RequestUrl) = url.LowerAuthority

    /// The token in the path of a pre-authenticated request: its range in the path. (0, 0) for none.
    let private token (url: RequestUrl) : struct (int * int) =
        // With the host: some hosts authorize by nothing else.
        let host = url.LowerAuthority

        match QuerySecrets.tokenOfPath (host + path url) with
        | struct (_, 0) -> struct (0, 0)
        | struct (first, stop) -> struct (first - host.Length, stop - host.Length)

    /// Every secret of the URL, as `Redaction.secretsOf` finds them.
    let internal secrets (url: RequestUrl) : Secrets =
        let ofPath =
            PathTokens.ofPath url.Value url.Authority.Stop url.PathStop
            @ ShownPath.valuesIn (path url)

        match token url, ofPath with
        | struct (_, 0), [] -> url.Query.Secrets.Value
        | struct (first, stop), tokens ->
            Secrets.append
                (Secrets.create ((path url).Substring(first, stop - first) :: tokens))
                url.Query.Secrets.Value

    /// `http` or `https`.
    [<CompiledName("Scheme")>]
    let scheme (url: RequestUrl) =
        url.Value.Substring(0, url.Authority.First - 3).ToLowerInvariant()

    /// The host in lower case, an IPv6 address without brackets.
    [<CompiledName("Host")>]
    let host (url: RequestUrl) =
        if url.HasPlainHost then
            url.LowerAuthority
        else
            (revealUri url).IdnHost.ToLowerInvariant()

    /// An address of this machine: 127.0.0.0/8, ::1, or `localhost` (RFC 6761, 6.3).
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

    /// Scheme and authority as `System.Uri` writes them, which is in lower case.
    let private hasPlainOrigin (url: RequestUrl) =
        url.HasPlainHost
        && url.Value.AsSpan(0, url.Authority.Stop).IndexOfAnyInRange('A', 'Z') < 0

    /// A part of the URL's address without the signature of its query, which a mistake may have put there.
    let internal withoutSignature (url: RequestUrl) (text: string) : string =
        match QuerySecrets.signatures url.Value url.QueryFirst with
        | [] -> text
        | signatures when SecretSieve.isFreeOf signatures text -> text
        | signatures -> Secrets.mask (Secrets.create signatures) text

    /// Scheme, host, port where it is not the scheme's own, and path: where the bytes go, without the query. Tokens in the path
    /// are masked, and so is the signature of the query. Segments of the given destination stay.
    [<CompiledName("AddressOf")>]
    let addressOf (destination: string) (url: RequestUrl) : string =
        let stop = url.PathStop

        match token url with
        | struct (_, 0) when stop > url.Authority.Stop && hasPlainOrigin url ->
            let path = url.Value.Substring(url.Authority.Stop, stop - url.Authority.Stop)

            withoutSignature
                url
                (url.Value.Substring(0, url.Authority.Stop) + ShownPath.mask destination path)
        | struct (first, stop) ->
            let uri = revealUri url
            let path = path url

            let shown =
                if stop = 0 then
                    path
                else
                    path.Remove(first, stop - first).Insert(first, Redaction.Mask)

            withoutSignature url $"{uri.Scheme}://{uri.Authority}{ShownPath.mask destination shown}"

    /// The same without a destination.
    [<CompiledName("WithoutQuery")>]
    let withoutQuery (url: RequestUrl) : string = addressOf "" url
