namespace CellOS.Export.S3.Core

open System

/// The address of a broker.
[<RequireQualifiedAccess>]
type BrokerEndpoint =
    /// A URL that requests are posted to.
    | Http of RequestUrl
    /// The absolute path of a Unix socket. Requests are posted to `/`.
    | UnixSocket of Path: string

/// Reads addresses of brokers.
///
/// Rules that this module keeps:
/// - `https` goes anywhere, `http` to this machine only: the request and the response hold credentials;
/// - `unix:` is followed by an absolute path, with or without the `//` of a URL;
/// - no message contains a query, or a segment of the path that looks random.
[<RequireQualifiedAccess>]
module BrokerEndpoint =

    /// The longest path of a Unix socket in bytes (unix(7), `sun_path`).
    [<Literal>]
    let MaxSocketPath = 107

    let private scheme = "unix:"

    let private refuse problem remedy =
        Check.refuse "broker URL" problem remedy

    let private socket (path: string) =
        let path = if path.StartsWith "///" then path.Substring 2 else path

        if path = "" || path = "//" then
            refuse "has 'unix:' without a path" "Give the absolute path of a socket: unix:/run/broker.sock."
        elif not (path.StartsWith '/') || path.StartsWith "//" then
            refuse
                $"has 'unix:' before {Check.quote path}, which is not an absolute path"
                "Give the absolute path of a socket: unix:/run/broker.sock."
        elif (Check.unprintable path).IsSome || path.Contains '?' then
            refuse
                "has a '?' or a character that cannot be printed in the path of its socket"
                "Give the absolute path of a socket: unix:/run/broker.sock."
        elif Check.utf8Length path > MaxSocketPath then
            refuse
                $"has a socket path of {Check.utf8Length path} bytes; {MaxSocketPath} are allowed"
                "Put the socket into a folder with a shorter path."
        else
            Ok(BrokerEndpoint.UnixSocket path)

    /// Returns the address in a text, or why it cannot be used.
    [<CompiledName("Parse")>]
    let parse (text: string) : Result<BrokerEndpoint, Refusal> =
        let text = text.Trim()

        if text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) then
            socket (text.Substring scheme.Length)
        elif text.StartsWith '/' then
            refuse
                "is a path without 'unix:' before it"
                "Write unix: before the path of a socket (unix:/run/broker.sock), or give an https:// URL."
        else
            match RequestUrl.parse text with
            | Error refusal -> Error { refusal with Subject = "broker URL" }
            | Ok url when RequestUrl.isPlaintext url ->
                refuse
                    "is http to another host, and would send tokens and presigned URLs in the clear"
                    "Use https, http to a loopback address, or a Unix socket (unix:/run/broker.sock)."
            | Ok url -> Ok(BrokerEndpoint.Http url)

    let private isToken (segment: string) =
        PathTokens.looksRandom (Unescape.text segment)

    let private withoutTokens (path: string) : string =
        String.Join(
            '/',
            path.Split '/'
            |> Array.map (fun segment -> if isToken segment then Redaction.Mask else segment)
        )

    /// The path of the address.
    let private path (endpoint: BrokerEndpoint) =
        match endpoint with
        | BrokerEndpoint.Http url -> RequestUrl.path url
        | BrokerEndpoint.UnixSocket path -> path

    /// Returns the secrets of the address: its query, and segments of its path that look random.
    let internal secrets (endpoint: BrokerEndpoint) : string list =
        let ofUrl =
            match endpoint with
            | BrokerEndpoint.Http url -> Redaction.secretsOf (RequestUrl.reveal url)
            | BrokerEndpoint.UnixSocket _ -> []

        ofUrl @ ((path endpoint).Split '/' |> Array.filter isToken |> List.ofArray)

    /// Returns the address without its query and without tokens in its path, for displays.
    [<CompiledName("Show")>]
    let show (endpoint: BrokerEndpoint) : string =
        match endpoint with
        | BrokerEndpoint.Http url ->
            let shown = RequestUrl.withoutQuery url
            let path = shown.IndexOf('/', shown.IndexOf("://", StringComparison.Ordinal) + 3)
            shown.Substring(0, path) + withoutTokens (shown.Substring path)
        | BrokerEndpoint.UnixSocket path -> scheme + withoutTokens (Check.plain path)
