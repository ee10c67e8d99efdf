namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

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
    /// The server answered the TLS handshake with bytes that are not TLS.
    | NotTls
    /// The proxy answered the TLS handshake with bytes that are not TLS.
    | ProxyNotTls
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

/// A checksum or digest that a store reports in a header of its response.
type ReportedChecksum = {
    /// The header's name in lower case, such as `x-amz-checksum-sha256`.
    Header: string
    /// The header's value, as it was sent.
    Value: string
}

/// What is kept of a response: plain data, nothing that could hold a connection or a secret.
type Reply = {
    /// The HTTP status code.
    Status: int
    /// `ETag` as it was sent, with its quotes.
    ETag: string option
    /// The object's version: `x-amz-version-id`, or the header of another store's dialect.
    VersionId: string option
    /// The request id that a store's support asks for: `x-amz-request-id`, or the header of another store's dialect.
    RequestId: string option
    /// The second id that a store's support asks for: `x-amz-id-2`.
    HostId: string option
    /// `x-amz-server-side-encryption`.
    ServerSideEncryption: string option
    /// `x-amz-server-side-encryption-customer-algorithm`: the customer's own key (SSE-C).
    CustomerAlgorithm: string option
    /// Checksums of the object, in the order of the headers.
    Checksums: ReportedChecksum list
    /// `Retry-After`, as it was sent.
    RetryAfter: string option
    /// `x-amz-retry-after`, in milliseconds, as it was sent.
    AmzRetryAfter: string option
    /// `x-amz-bucket-region`.
    BucketRegion: string option
    /// The host that `Location` names, without path and query.
    RedirectHost: string option
    /// `Server`: the program that answered.
    Server: string option
    /// The S3 error document in the body.
    Error: S3Error option
    /// The body, where it is not an S3 error document.
    Body: ForeignBody option
    /// What was sent, if the whole body had been sent when the response was complete.
    Sent: Sent option
} with

    /// A response of which nothing but the status is known.
    static member Of(status: int) = {
        Status = status
        ETag = None
        VersionId = None
        RequestId = None
        HostId = None
        ServerSideEncryption = None
        CustomerAlgorithm = None
        Checksums = []
        RetryAfter = None
        AmzRetryAfter = None
        BucketRegion = None
        RedirectHost = None
        Server = None
        Error = None
        Body = None
        Sent = None
    }

    /// True if the status is a success (2xx).
    member this.IsSuccess = this.Status >= 200 && this.Status <= 299

    /// True if the response carries a mark that stores set, and proxies and portals do not: an ETag, a checksum, a
    /// version or a request id.
    member this.IsMarked =
        (this.ETag |> Option.exists (fun tag -> tag.AsSpan().Trim("W/\" ").Length > 0))
        || this.VersionId.IsSome
        || this.RequestId.IsSome
        || this.HostId.IsSome
        || not this.Checksums.IsEmpty

/// Reads responses.
///
/// Rules that this module keeps:
/// - header names match without regard to case; an empty value, or one of more than 1,024 characters, is ignored: it is
///   not an id or a tag;
/// - the names are those of Amazon S3 and of other stores' dialects (Google Cloud Storage, Azure Blob, Alibaba OSS,
///   Tencent COS, Huawei OBS, Oracle, Swift, Cloudflare R2); of several headers for one thing, Amazon's name counts
///   first.
[<RequireQualifiedAccess>]
module Reply =

    /// The number of characters of a header's value from which on it is ignored.
    let private longestValue = 1024

    let private versionIds = [
        "x-amz-version-id"
        "x-goog-generation"
        "x-ms-version-id"
        "x-oss-version-id"
        "x-cos-version-id"
        "x-obs-version-id"
    ]

    let private requestIds = [
        "x-amz-request-id"
        "x-ms-request-id"
        "x-guploader-uploadid"
        "x-goog-request-id"
        "x-oss-request-id"
        "x-cos-request-id"
        "x-obs-request-id"
        "opc-request-id"
        "x-trans-id"
        "cf-ray"
    ]

    let private hostIds = [ "x-amz-id-2"; "x-obs-id-2" ]

    let private encryptions = [
        "x-amz-server-side-encryption"
        "x-oss-server-side-encryption"
        "x-cos-server-side-encryption"
    ]

    let private isChecksum (name: string) =
        match name with
        | "x-goog-hash"
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma"
        | "content-md5"
        | "opc-content-md5" -> true
        | "x-amz-checksum-type" -> false
        | _ -> name.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    let private hostOf (location: string) =
        match Uri.TryCreate(location, UriKind.Absolute) with
        | true, NonNull uri when uri.Host <> "" -> Some uri.Host
        | _ -> None

    /// Reads a response: its status, its headers, the beginning of its body (at most `S3Error.MaxBytes`), whether that is
    /// all of the body, and what was sent, if the whole file was.
    [<CompiledName("Read")>]
    let read
        (status: int)
        (headers: KeyValuePair<string, string> seq)
        (body: ReadOnlyMemory<byte>)
        (isWhole: bool)
        (sent: Sent option)
        : Reply =
        let values = Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)

        for header in headers do
            if header.Value.Length > 0 && header.Value.Length <= longestValue then
                match values.TryGetValue header.Key with
                // Two that differ say nothing together; one that is sent twice is one.
                | true, first when first <> header.Value -> values[header.Key] <- $"{first}, {header.Value}"
                | true, _ -> ()
                | _ -> values.Add(header.Key, header.Value)

        let value (name: string) =
            match values.TryGetValue name with
            | true, value -> Some value
            | _ -> None

        let first = List.tryPick value

        let body =
            ResponseBody.read (value "content-type") (value "content-encoding") body isWhole

        {
            Status = status
            ETag = value "etag"
            VersionId = first versionIds
            RequestId = first requestIds
            HostId = first hostIds
            ServerSideEncryption = first encryptions
            CustomerAlgorithm = value "x-amz-server-side-encryption-customer-algorithm"
            Checksums = [
                for header in values do
                    let name = header.Key.ToLowerInvariant()

                    if isChecksum name then
                        { Header = name; Value = header.Value }
            ]
            RetryAfter = value "retry-after"
            AmzRetryAfter = value "x-amz-retry-after"
            BucketRegion = value "x-amz-bucket-region"
            RedirectHost = value "location" |> Option.bind hostOf
            Server = value "server"
            Error =
                match body with
                | ResponseBody.S3 error -> Some error
                | _ -> None
            Body =
                match body with
                | ResponseBody.Foreign body -> Some body
                | _ -> None
            Sent = sent
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
            Details =
                error.Details
                |> List.map (fun detail -> {
                    detail with
                        Content = change detail.Content
                })
        }

        let ofBody (body: ForeignBody) = {
            body with
                VisibleText = change body.VisibleText
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
                    Checksums =
                        reply.Checksums
                        |> List.map (fun checksum -> {
                            checksum with
                                Value = change checksum.Value
                        })
                    RetryAfter = optional reply.RetryAfter
                    AmzRetryAfter = optional reply.AmzRetryAfter
                    BucketRegion = optional reply.BucketRegion
                    RedirectHost = optional reply.RedirectHost
                    Server = optional reply.Server
                    Error = reply.Error |> Option.map ofError
                    Body = reply.Body |> Option.map ofBody
            }
