namespace CellOS.Export.S3.Core

open System

/// What kept an attempt from getting a reply.
[<RequireQualifiedAccess>]
type FaultKind =
    /// The host name could not be resolved.
    | NameResolution
    /// The connection was refused, or the host cannot be reached.
    | ConnectionRefused
    /// The connection was reset.
    | ConnectionReset
    /// The connection was closed before the reply was complete.
    | ConnectionClosed
    /// No connection within the connect timeout.
    | ConnectTimeout
    /// No complete reply within the request timeout, or what the deadline left of it.
    | RequestTimeout
    /// No byte moved for as long as the stall timeout.
    | StallTimeout
    /// The request was answered from elsewhere: the transport followed a redirect on its own account.
    | RedirectFollowed
    /// A reply that is no HTTP.
    | InvalidReply
    /// Any other failure of the network.
    | Network
    /// The proxy did not connect to the server.
    | Proxy
    /// The TLS handshake failed for another reason than the certificate.
    | TlsHandshake
    /// The TCP connection or the tunnel was there, and the TLS handshake with the server did not end within the connect
    /// timeout.
    | TlsTimeout
    /// The TCP connection to the proxy was made, and the TLS handshake with it did not end within the connect timeout.
    | ProxyTlsTimeout
    /// The server answered the TLS handshake with bytes that are not TLS.
    | NotTls
    /// The proxy answered the TLS handshake with bytes that are not TLS.
    | ProxyNotTls
    /// The source of URLs has none for now.
    | NoUrl
    /// This process or its host lacks memory, file descriptors, a home directory or the like.
    | LocalFault
    /// The server's certificate is not trusted, expired or revoked.
    | CertificateUntrusted
    /// The server's certificate names another host.
    | CertificateNameMismatch
    /// There is no such file.
    | SourceNotFound
    /// It is no regular file (a folder, a link, a pipe, a device).
    | SourceNotAFile
    /// The file may not be read.
    | SourceAccessDenied
    /// Reading the file failed.
    | SourceUnreadable
    /// The file's length, time stamp or content changed while it was read.
    | SourceChanged

/// The bytes that an attempt sent, once it has sent them all.
type Sent = {
    /// The number of bytes.
    Bytes: int64
    /// The SHA-256 of the bytes.
    Sha256: Digest
    /// Further digests of the bytes, one of each algorithm at most.
    Others: Digest list
} with

    /// The digest of this algorithm, if it was taken.
    member this.Digest(algorithm: DigestAlgorithm) : Digest option =
        if algorithm.IsSha256 then
            Some this.Sha256
        else
            this.Others |> List.tryFind (fun digest -> digest.Algorithm = algorithm)

    /// The MD5 in 32 lower-case hexadecimal digits, if it was taken.
    member this.Md5 = this.Digest DigestAlgorithm.Md5 |> Option.map _.Hex

    /// Returns the same with further digests, whose algorithms it does not have yet.
    member internal this.With(digests: Digest list) : Sent =
        match digests |> List.filter (fun digest -> (this.Digest digest.Algorithm).IsNone) with
        | [] -> this
        | more -> {
            this with
                Others = this.Others @ more
          }

/// The proxy that a request went through. It holds no user name and no password.
type ProxyHop = {
    /// Its host and port.
    Authority: string
    /// The environment variable that names it, if one does.
    Variable: string option
    /// True if its URL has a user name.
    HasCredentials: bool
} with

    /// The proxy in words: `the proxy proxy.example:3128 (HTTPS_PROXY)`.
    member this.InWords =
        match this.Variable with
        | Some variable -> $"the proxy {this.Authority} ({variable})"
        | None -> $"the proxy {this.Authority}"

/// A fault, in the words of the program that reported it.
type Fault = {
    /// What kind of fault it was.
    Kind: FaultKind
    /// One line for people; it holds no secret.
    Detail: string
    /// How many bytes of the body had been handed over when it struck.
    BytesSent: int64
    /// What was sent, if all of it had been handed over.
    Sent: Sent option
    /// The HTTP status with which a proxy refused a tunnel to the server (RFC 9110, 9.3.6), if it said one.
    ProxyStatus: int option
    /// The proxy on the way, if there is one.
    Proxy: ProxyHop option
} with

    /// A fault whose detail is made fit for an error message: on one line, redacted, 300 characters at most. A
    /// source of URLs gives its reason with what to do about it: 1,000 characters at most.
    static member Create(kind: FaultKind, detail: string, bytesSent: int64) = {
        Kind = kind
        Detail =
            (Redaction.text detail).ReplaceLineEndings(" ").Trim()
            |> Check.visible
            |> Check.shorten (if kind = FaultKind.NoUrl then 1000 else 300)
        BytesSent = bytesSent
        Sent = None
        ProxyStatus = None
        Proxy = None
    }

    /// A reason in this library's own words, which holds no secret: on one line, 1,000 characters at most.
    static member internal OfOwnWords(detail: string) = {
        Kind = FaultKind.Network
        Detail = detail.ReplaceLineEndings(" ").Trim() |> Check.visible |> Check.shorten 1000
        BytesSent = 0L
        Sent = None
        ProxyStatus = None
        Proxy = None
    }

    /// The same, for a fault of a request: no secret of its URL is in the detail either, under whatever name
    /// the URL carries it and however the transport's words quote it.
    static member Of(url: RequestUrl, kind: FaultKind, detail: string, bytesSent: int64, sent: Sent option) =
        let secrets = RequestUrl.secrets url

        {
            Fault.Create(kind, Redaction.withoutSecrets secrets detail, bytesSent) with
                Sent = sent
        }

    /// The same, where it was a proxy that said so with an HTTP status.
    member this.WithProxyStatus(status: int) = { this with ProxyStatus = Some status }
