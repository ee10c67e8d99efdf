namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

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
    /// True if the request id is that of a content delivery network (`cf-ray`), which sets it of its own accord.
    IsRequestIdOfNetwork: bool
    /// The second id that a store's support asks for: `x-amz-id-2`.
    HostId: string option
    /// `x-amz-server-side-encryption`.
    ServerSideEncryption: string option
    /// The encryption that a header of another store's dialect states.
    OtherEncryption: string option
    /// The algorithm of encryption with the customer's own key (SSE-C), as Amazon's header or that of another store's
    /// dialect states it.
    CustomerAlgorithm: string option
    /// Checksums of the object, in the order of the headers.
    Checksums: ReportedChecksum list
    /// `x-amz-checksum-type`: `FULL_OBJECT` or `COMPOSITE`.
    ChecksumType: string option
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
    /// How the reading of the body ended.
    BodyEnd: BodyEnd
    /// True if the body, before secrets were masked in it, says that the URL has expired.
    SaysExpired: bool
    /// What was sent, if the whole body had been sent when the response was complete.
    Sent: Sent option
} with

    /// A response of which nothing but the status is known.
    static member Of(status: int) = {
        Status = status
        ETag = None
        VersionId = None
        RequestId = None
        IsRequestIdOfNetwork = false
        HostId = None
        ServerSideEncryption = None
        OtherEncryption = None
        CustomerAlgorithm = None
        Checksums = []
        ChecksumType = None
        RetryAfter = None
        AmzRetryAfter = None
        BucketRegion = None
        RedirectHost = None
        Server = None
        Error = None
        Body = None
        BodyEnd = BodyEnd.Whole
        SaysExpired = false
        Sent = None
    }

    /// True if the status is a success (2xx).
    member this.IsSuccess = this.Status >= 200 && this.Status <= 299

    /// True if the body broke off or was late.
    member internal this.IsCut =
        this.BodyEnd = BodyEnd.BrokenOff || this.BodyEnd = BodyEnd.Late

    /// True if a header may report a digest: an ETag or a checksum.
    member internal this.MayReportDigest =
        (this.ETag |> Option.exists (fun tag -> tag.AsSpan().Trim("W/\" ").Length > 0))
        || not this.Checksums.IsEmpty

    /// True if the response carries a mark that stores set of an object: an ETag, a checksum or a version.
    member internal this.IsOfObject = this.MayReportDigest || this.VersionId.IsSome

    /// True if the response carries a mark that stores set, and proxies, portals and content delivery networks do not: an
    /// ETag, a checksum, a version or a store's request id.
    member this.IsMarked =
        this.IsOfObject
        || (this.RequestId.IsSome && not this.IsRequestIdOfNetwork)
        || this.HostId.IsSome

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
    ]

    /// The request ids that a content delivery network sets, in front of whatever answers.
    let private networkIds = [ "cf-ray" ]

    let private hostIds = [ "x-amz-id-2"; "x-obs-id-2" ]

    let private otherEncryptions = [
        "x-oss-server-side-encryption"
        "x-cos-server-side-encryption"
        "x-obs-server-side-encryption"
        "x-goog-encryption-kms-key-name"
        "x-ms-encryption-scope"
    ]

    let private customerAlgorithms = [
        "x-amz-server-side-encryption-customer-algorithm"
        "x-oss-server-side-encryption-customer-algorithm"
        "x-cos-server-side-encryption-customer-algorithm"
        "x-obs-server-side-encryption-customer-algorithm"
        "x-goog-encryption-algorithm"
    ]

    let private isChecksum (name: string) =
        match name with
        | "x-goog-hash"
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma"
        | "content-md5"
        | "opc-content-md5" -> true
        | "x-amz-checksum-type"
        | "x-amz-checksum-algorithm" -> false
        | _ -> name.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    let private hostOf (location: string) =
        match Uri.TryCreate(location, UriKind.Absolute) with
        | true, NonNull uri when uri.Host <> "" -> Some uri.Host
        | _ -> None

    /// Reads a response: its status, its headers, the beginning of its body (at most `S3Error.MaxBytes`), how the
    /// reading of the body ended, and what was sent, if the whole file was.
    [<CompiledName("Read")>]
    let read
        (status: int)
        (headers: KeyValuePair<string, string> seq)
        (body: ReadOnlyMemory<byte>)
        (bodyEnd: BodyEnd)
        (sent: Sent option)
        : Reply =
        let values = Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)

        for header in headers do
            if header.Value.Length > 0 && header.Value.Length <= longestValue then
                match values.TryGetValue header.Key with
                // All of them are compared, where they are checksums; one that is sent twice is one.
                | true, first when first <> header.Value -> values[header.Key] <- $"{first}, {header.Value}"
                | true, _ -> ()
                | _ -> values.Add(header.Key, header.Value)

        let value (name: string) =
            match values.TryGetValue name with
            | true, value -> Some value
            | _ -> None

        let first = List.tryPick value

        let requestId = first requestIds

        let content =
            ResponseBody.read
                (value "content-type")
                (value "content-encoding")
                (value "x-oss-request-id").IsSome
                body
                bodyEnd

        {
            Status = status
            ETag = value "etag"
            VersionId = first versionIds
            RequestId = requestId |> Option.orElse (first networkIds)
            IsRequestIdOfNetwork = requestId.IsNone && (first networkIds).IsSome
            HostId = first hostIds
            ServerSideEncryption = value "x-amz-server-side-encryption"
            OtherEncryption = first otherEncryptions
            CustomerAlgorithm = first customerAlgorithms
            Checksums = [
                for header in values do
                    let name = header.Key.ToLowerInvariant()

                    if isChecksum name then
                        { Header = name; Value = header.Value }
            ]
            ChecksumType = value "x-amz-checksum-type"
            RetryAfter = value "retry-after"
            AmzRetryAfter = value "x-amz-retry-after"
            BucketRegion = value "x-amz-bucket-region"
            RedirectHost = value "location" |> Option.bind hostOf
            Server = value "server"
            Error =
                match content.Body with
                | ResponseBody.S3 error -> Some error
                | _ -> None
            Body =
                match content.Body with
                | ResponseBody.Foreign body -> Some body
                | _ -> None
            BodyEnd = bodyEnd
            SaysExpired = content.SaysExpired
            Sent = sent
        }
