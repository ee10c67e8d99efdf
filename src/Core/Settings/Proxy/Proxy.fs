namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// A proxy on the way to the server. Its user name and password are a secret, so only `Proxy.revealUserName` and
/// `Proxy.revealPassword` give them.
[<Sealed>]
type Proxy
    internal
    (scheme: string, host: string, port: int, credentials: (string * string) option, variable: string option)
    =
    /// How to talk to it: `http`, `https`, `socks4`, `socks4a` or `socks5` (for `socks5h`, too).
    member _.Scheme = scheme

    /// Its host, an IPv6 address in brackets, and its port.
    member _.Authority = Check.invariant $"{host}:{port}"

    /// Whether its URL has a user name or a password.
    member _.HasCredentials = credentials.IsSome

    /// Whether it takes requests in HTTP, and so credentials in their heads; otherwise it speaks SOCKS.
    member _.SpeaksHttp = scheme.StartsWith("http", StringComparison.Ordinal)

    /// The environment variable that names it, if one does.
    member _.Variable = variable

    /// The same proxy, named by a variable.
    member internal _.NamedBy(variable: string) =
        Proxy(scheme, host, port, credentials, Some variable)

    member internal _.Credentials = credentials
    member private _.Parts = struct (scheme, host, port, credentials)

    override this.Equals other =
        match other with
        | :? Proxy as other -> this.Parts = other.Parts
        | _ -> false

    override this.GetHashCode() = hash this.Parts

    /// Scheme, host and port.
    override this.ToString() = scheme + "://" + this.Authority

/// Reads the URL of a proxy: `[scheme://][user[:password]@]host[:port]`.
[<RequireQualifiedAccess>]
module Proxy =

    /// Masks user name and password. A user name that the host of the URL contains is masked where it stands alone: the host
    /// is no secret, and belongs to the message.
    let private masked (host: string) (user: string) (password: string) (text: string) : string =
        let pair = $"{user}:{password}"
        let basic = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes pair)
        let isInHost = user <> "" && host.Contains(user, StringComparison.OrdinalIgnoreCase)

        let others =
            Secrets.mask
                (Secrets.create [
                    if not isInHost then
                        user
                    password
                    pair
                    basic
                ])
                text

        if isInHost then
            Regex.Replace(
                others,
                $@"(?<![\w.-]){Regex.Escape user}(?![\w-]|\.\w)",
                Redaction.Mask,
                RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
            )
        else
            others

    /// The outcome of an attempt that went through the proxy to a host: with the proxy's name, and without its credentials,
    /// which it may echo. Nothing else is masked: values are masked by their names once all known secrets are.
    [<CompiledName("Mask")>]
    let mask (host: string) (outcome: Outcome) (proxy: Proxy) : Outcome =
        let masked =
            match proxy.Credentials with
            | None -> outcome
            | Some(user, password) -> outcome |> Outcome.mapTexts (masked host user password)

        let hop =
            Some {
                Authority = proxy.Authority
                Variable = proxy.Variable
                HasCredentials = proxy.HasCredentials
            }

        match masked with
        | Outcome.Replied reply -> Outcome.Replied { reply with Proxy = hop }
        | Outcome.NotSent fault -> Outcome.NotSent { fault with Proxy = hop }
        | Outcome.Unknown fault -> Outcome.Unknown { fault with Proxy = hop }

    /// A text of the transport's without the credentials of the proxy on the way, as `mask` leaves them out.
    [<CompiledName("MaskText")>]
    let maskText (host: string) (text: string) (proxy: Proxy) : string =
        match proxy.Credentials with
        | None -> text
        | Some(user, password) -> masked host user password text

    let private remedy =
        "Give http://host:port, or http://user:password@host:port with user name and password percent-encoded; https, socks4, socks4a, socks5 and socks5h are the other schemes."

    let private refuse problem = Check.refuse "proxy URL" problem remedy

    /// How .NET names the scheme. Its SOCKS 5 gives the proxy the name of the host to resolve, which others call `socks5h`.
    let private schemeOf (text: string) =
        match text.ToLowerInvariant() with
        | "socks5h" -> "socks5"
        | scheme -> scheme

    /// The port where none is given.
    let private defaultPort (scheme: string) =
        match scheme with
        | "http" -> Some 80
        | "https" -> Some 443
        | "socks4"
        | "socks4a"
        | "socks5" -> Some 1080
        | _ -> None

    /// Only the position is shown: the character may be part of a password.
    let private badCharacter (value: string) =
        let rec from i =
            if i = value.Length then
                None
            else
                match value[i] with
                | c when c <= ' ' || c = '\127' ->
                    Some $"contains a space or a control character at position {i + 1}"
                | c when c > '\126' ->
                    Some $"holds a character outside ASCII at position {i + 1}; it must come percent-encoded"
                | '\\' ->
                    Some
                        $"holds a backslash at position {i + 1}; in a user name or a password it is written as %%5C"
                | '"'
                | '<'
                | '>' -> Some $"holds a character at position {i + 1} that a URL does not allow"
                | _ -> from (i + 1)

        from 0

    let private isName (host: string) =
        host <> ""
        && host.Length <= 254
        && String.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '-' || c = '.' || c = '_') host
        && not (host.StartsWith '.')
        && not (host.Contains "..")
        // A number at the end makes it an address of IPv4 (RFC 3986, 7.4).
        && (let last = host.Substring(host.LastIndexOf '.' + 1)

            last = ""
            || not (String.forall Char.IsAsciiDigit last)
            || (IpAddress.tryParse host).IsSome)

    /// What .NET cannot read it would not go through: it would go straight to the server.
    let private isUri (scheme: string) (host: string) =
        match Uri.TryCreate($"{scheme}://{host}:1/", UriKind.Absolute) with
        | true, NonNull uri -> uri.Host <> "" && uri.Port = 1
        | _ -> false

    let private isHost (host: string) =
        if host.StartsWith '[' && host.EndsWith ']' then
            (IpAddress.tryParse (host.Substring(1, host.Length - 2)))
            |> Option.exists (fun octets -> octets.Length = 16)
        else
            isName host

    /// Host and port; the port's own colon comes after an IPv6 address's bracket.
    let private split (hostAndPort: string) =
        match hostAndPort.LastIndexOf ':' with
        | colon when colon > hostAndPort.LastIndexOf ']' ->
            hostAndPort.Substring(0, colon), hostAndPort.Substring(colon + 1)
        | _ -> hostAndPort, ""

    /// A user name or a password without its percent-escapes.
    let private decode (text: string) =
        let rec isEscaped i =
            match text.IndexOf('%', (i: int)) with
            | -1 -> true
            | at ->
                at + 2 < text.Length
                && Char.IsAsciiHexDigit text[at + 1]
                && Char.IsAsciiHexDigit text[at + 2]
                && isEscaped (at + 1)

        if not (isEscaped 0) then
            Error
                "has a '%' in its user name or password that two hexadecimal digits do not follow; a '%' itself is written as %25"
        else
            let plain = Uri.UnescapeDataString text

            if String.exists Char.IsControl plain then
                Error "has a control character in its user name or password, which Basic does not allow"
            else
                Ok plain

    let private credentialsOf (userInfo: string) =
        let user, password =
            match userInfo.IndexOf ':' with
            | -1 -> userInfo, ""
            | colon -> userInfo.Substring(0, colon), userInfo.Substring(colon + 1)

        match decode user, decode password with
        | Error problem, _
        | _, Error problem -> Error problem
        | Ok user, _ when user.Contains ':' ->
            // RFC 7617, 2: what comes after it would be taken for the password.
            Error "has a ':' (%3A) in its user name, which Basic does not allow"
        | Ok "", Ok "" -> Ok None
        | Ok user, Ok password -> Ok(Some(user, password))

    /// The fewest characters of a token in the place of a host. The identifiers of containers have 12.
    [<Literal>]
    let private ShortestToken = 20

    let private ofAuthority scheme (whenNoPort: int) (authority: string) =
        let userInfo, hostAndPort =
            match authority.LastIndexOf '@' with
            | -1 -> "", authority
            | at -> authority.Substring(0, at), authority.Substring(at + 1)

        let host, portText = split hostAndPort

        let port =
            if portText = "" then
                Some whenNoPort
            else
                EnvironmentReader.wholeNumber 1L 65535L portText |> Option.map int

        match credentialsOf userInfo, port with
        | Error problem, _ -> refuse problem
        | _ when host = "" -> refuse "has no host"
        | _ when not (isHost host && isUri scheme host) -> refuse "has a host that cannot be read"
        | _ when
            CredentialForms.isKnownIn host
            || host.Length >= ShortestToken
               && not (host.Contains '.')
               && PathTokens.looksRandom host
            ->
            refuse "has a host that looks like a token"
        | _, None -> refuse "has a port that is not a number from 1 to 65535"
        | Ok credentials, Some port -> Ok(Proxy(scheme, host.ToLowerInvariant(), port, credentials, None))

    /// The proxy, or why the text names none. No message holds any part of the text.
    [<CompiledName("Parse")>]
    let parse (value: string) : Result<Proxy, Refusal> =
        let value = RequestUrl.trim value

        let mangling =
            ProxyForm.find value
            |> Option.orElseWith (fun () -> MangledText.findInProxy value)


        let scheme, rest =
            match value.IndexOf("://", StringComparison.Ordinal) with
            | -1 -> "http", value
            | i -> schemeOf (value.Substring(0, i)), value.Substring(i + 3)

        let authority =
            if rest.EndsWith '/' then rest.Substring(0, rest.Length - 1) else rest

        match badCharacter value, defaultPort scheme with
        | _ when value = "" -> refuse "is empty"
        | _ when mangling.IsSome -> Check.refuse "proxy URL" mangling.Value.Problem mangling.Value.Remedy
        | Some problem, _ -> refuse problem
        | None, None -> refuse "has an unknown scheme"
        | _ when authority.IndexOfAny [| '/'; '?'; '#' |] >= 0 ->
            refuse
                "has a '/', '?' or '#' after its scheme: a proxy has no path, and in a user name or password they are written as %2F, %3F and %23"
        | None, Some port -> ofAuthority scheme port authority

    /// The user name, for the proxy alone; empty for none.
    [<CompiledName("RevealUserName")>]
    let revealUserName (proxy: Proxy) =
        match proxy.Credentials with
        | Some(user, _) -> user
        | None -> ""

    /// The password, for the proxy alone; empty for none.
    [<CompiledName("RevealPassword")>]
    let revealPassword (proxy: Proxy) =
        match proxy.Credentials with
        | Some(_, password) -> password
        | None -> ""
