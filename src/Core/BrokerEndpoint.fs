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
/// - no message contains a query.
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

    /// Returns the address without its query, for displays.
    [<CompiledName("Show")>]
    let show (endpoint: BrokerEndpoint) : string =
        match endpoint with
        | BrokerEndpoint.Http url -> RequestUrl.withoutQuery url
        | BrokerEndpoint.UnixSocket path -> scheme + Check.plain path
