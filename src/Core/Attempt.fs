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
    /// How many.
    Bytes: int64
    /// SHA-256 of them, 64 hexadecimal digits in lower case.
    Sha256: string
    /// MD5 of them, 32 hexadecimal digits in lower case, where it was taken.
    Md5: string option
}

/// A fault in the words of whoever saw it.
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
} with

    /// A fault whose detail is made fit for an error message: on one line, redacted, 300 characters at most.
    static member Create(kind: FaultKind, detail: string, bytesSent: int64) = {
        Kind = kind
        Detail =
            (Redaction.text detail).ReplaceLineEndings(" ").Trim()
            |> Check.visible
            |> Check.shorten 300
        BytesSent = bytesSent
        Sent = None
        ProxyStatus = None
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

/// What is kept of a reply: plain data, nothing that could hold a connection or a secret.
type Reply = {
    /// The HTTP status code.
    Status: int
    /// `ETag` as it was sent, with its quotes.
    ETag: string option
    /// `x-amz-version-id`.
    VersionId: string option
    /// `x-amz-request-id`.
    RequestId: string option
    /// `x-amz-id-2`.
    HostId: string option
    /// `x-amz-server-side-encryption`.
    ServerSideEncryption: string option
    /// `x-amz-server-side-encryption-customer-algorithm`: the customer's own key (SSE-C).
    CustomerAlgorithm: string option
    /// `x-amz-checksum-sha256`, in Base64.
    ChecksumSha256: string option
    /// `Retry-After`, as it was sent.
    RetryAfter: string option
    /// `x-amz-retry-after`, in milliseconds, as it was sent.
    AmzRetryAfter: string option
    /// `x-amz-bucket-region`.
    BucketRegion: string option
    /// The host that `Location` names, without path and query.
    RedirectHost: string option
    /// S3's error document.
    Error: S3Error option
    /// What was sent, if the whole body had been sent when the reply was complete.
    Sent: Sent option
} with

    /// A reply of which nothing but the status is known.
    static member Of(status: int) = {
        Status = status
        ETag = None
        VersionId = None
        RequestId = None
        HostId = None
        ServerSideEncryption = None
        CustomerAlgorithm = None
        ChecksumSha256 = None
        RetryAfter = None
        AmzRetryAfter = None
        BucketRegion = None
        RedirectHost = None
        Error = None
        Sent = None
    }

/// What one attempt came to.
[<RequireQualifiedAccess>]
type Outcome =
    /// The server answered.
    | Replied of Reply: Reply
    /// No reply, and the object was certainly not stored: the whole body was never handed over.
    | NotSent of Fault: Fault
    /// No reply, and the object may have been stored: the whole body was handed over.
    | Unknown of Fault: Fault

[<RequireQualifiedAccess>]
module internal Outcome =

    /// What was sent, if the whole body was handed over.
    let sent (outcome: Outcome) =
        match outcome with
        | Outcome.Replied reply -> reply.Sent
        | Outcome.Unknown fault -> fault.Sent
        | Outcome.NotSent _ -> None

    /// The outcome with every text that came from outside rewritten: a server may echo what it was sent.
    let mapTexts (change: string -> string) (outcome: Outcome) : Outcome =
        let optional = Option.map change

        let ofFault (fault: Fault) = {
            fault with
                Detail = change fault.Detail
        }

        let ofError (error: S3Error) = {
            Code = change error.Code
            Message = optional error.Message
            RequestId = optional error.RequestId
            HostId = optional error.HostId
            Region = optional error.Region
            Endpoint = optional error.Endpoint
        }

        match outcome with
        | Outcome.NotSent fault -> Outcome.NotSent(ofFault fault)
        | Outcome.Unknown fault -> Outcome.Unknown(ofFault fault)
        | Outcome.Replied reply ->
            Outcome.Replied {
                reply with
                    ETag = optional reply.ETag
                    VersionId = optional reply.VersionId
                    RequestId = optional reply.RequestId
                    HostId = optional reply.HostId
                    ServerSideEncryption = optional reply.ServerSideEncryption
                    CustomerAlgorithm = optional reply.CustomerAlgorithm
                    ChecksumSha256 = optional reply.ChecksumSha256
                    RetryAfter = optional reply.RetryAfter
                    AmzRetryAfter = optional reply.AmzRetryAfter
                    BucketRegion = optional reply.BucketRegion
                    RedirectHost = optional reply.RedirectHost
                    Error = reply.Error |> Option.map ofError
            }
