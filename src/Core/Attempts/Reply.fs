namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// What is kept of a response: plain data, nothing that could hold a connection or a secret.
type Reply = {
    /// The HTTP status code.
    Status: int
    /// `ETag` as it was sent, with its quotes; all of them, where there are several.
    ETag: string option
    /// The object's version: `x-amz-version-id`, or the header of another store's dialect. `None` where there are several.
    VersionId: string option
    /// The request id that a store's support asks for: `x-amz-request-id`, or the header of another store's dialect. `None`
    /// where there are several.
    RequestId: string option
    /// True if the request id is that of a content delivery network (`cf-ray`), which sets it of its own accord.
    IsRequestIdOfNetwork: bool
    /// True if the request id is one that other services set, too: `x-ms-request-id`, `opc-request-id`, `x-trans-id`.
    IsRequestIdShared: bool
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
    /// `Location` without user info, query and fragment: a URL, or the path of one.
    RedirectTo: string option
    /// `Server`: the program that answered.
    Server: string option
    /// `Via`: proxies and gateways that the response passed.
    Via: string option
    /// `Date`, as it was sent.
    Date: string option
    /// The proxy that the request went through, if there is one.
    Proxy: ProxyHop option
    /// The S3 error document in the body.
    Error: S3Error option
    /// The body, where it is not an S3 error document.
    Body: ForeignBody option
    /// How the reading of the body ended.
    BodyEnd: BodyEnd
    /// The name of a header that says that the response is not one to this upload.
    Contradiction: string option
    /// The bucket that a store's result document names.
    ResultBucket: string option
    /// The key that a store's result document names.
    ResultKey: string option
    /// The address that a store's result document names.
    ResultLocation: string option
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
        IsRequestIdShared = false
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
        RedirectTo = None
        Server = None
        Via = None
        Date = None
        Proxy = None
        Error = None
        Body = None
        BodyEnd = BodyEnd.Whole
        Contradiction = None
        ResultBucket = None
        ResultKey = None
        ResultLocation = None
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
        this.ETag |> Option.exists EntityTags.isOne || not this.Checksums.IsEmpty

    /// The ETag, if there is one, and only one.
    member internal this.OnlyETag =
        this.ETag
        |> Option.filter (fun field -> EntityTags.isOne field && (EntityTags.split field).Length = 1)

    /// The ETag, if it is one that only a store sets.
    member internal this.StoreTag = this.OnlyETag |> Option.filter EntityTags.isMark

    /// The checksums in headers of a store's own. `Content-MD5` and its kin may be about the response's own body.
    member internal this.OwnChecksums =
        this.Checksums
        |> List.filter (fun checksum -> not (ChecksumHeader.isOfAnyServer checksum.Header))

    /// True if the response carries a request id that a store sets, and a proxy, a portal or a content delivery network does
    /// not.
    member internal this.HasStoreId =
        (this.RequestId.IsSome && not this.IsRequestIdOfNetwork) || this.HostId.IsSome

    /// True if it is one that stores alone set. That of Cloudflare's network is R2's beside an ETag and a checksum of Amazon's.
    member internal this.HasOwnStoreId =
        this.HasStoreId && (this.HostId.IsSome || not this.IsRequestIdShared)
        || this.IsRequestIdOfNetwork
           && this.OnlyETag.IsSome
           && this.OwnChecksums
              |> List.exists _.Header.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    /// True if the response carries a mark of a store besides a request id: a version, or an ETag or a checksum that is not a
    /// digest of no bytes or one of the given ones.
    member internal this.HasMarkBesides(known: Digest list) =
        let isKnown (digest: Digest) =
            Digest.isOfNothing digest || List.contains digest known

        let isTagMark (tag: string) =
            Digest.tryParseHex DigestAlgorithm.Md5 (EntityTags.bare tag)
            |> Option.exists isKnown
            |> not

        let isMark (checksum: ReportedChecksum) =
            match ChecksumHeader.parse checksum with
            | [] -> true
            | digests -> digests |> List.exists (isKnown >> not)

        this.VersionId.IsSome
        || this.StoreTag |> Option.exists isTagMark
        || this.OwnChecksums |> List.exists isMark

    /// True if the response carries a mark that stores set, and proxies, portals and content delivery networks do not: an
    /// ETag that is strong and not about an empty response, a checksum in a header of a store's own, a version or a store's
    /// request id.
    member this.IsMarked =
        this.HasStoreId
        || this.VersionId.IsSome
        || not this.OwnChecksums.IsEmpty
        || this.StoreTag.IsSome

/// Reads responses.
///
/// Rules that this module keeps:
/// - header names match without regard to case; an empty value, or one of more than 1,024 characters, is ignored: it is
///   not an id or a tag;
/// - the names are those of Amazon S3 and of other stores' dialects (Google Cloud Storage, Azure Blob, Alibaba OSS,
///   Tencent COS, Huawei OBS, Oracle, Swift, Cloudflare R2); of several headers for one thing, Amazon's name counts
///   first;
/// - a version or a request id that appears with several values is left out;
/// - a header with the name of a checksum and a value that is not a digest is ignored;
/// - digests in a store's result document count as in headers.
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

    /// The request ids that other services set, too.
    let private sharedIds = [ "x-ms-request-id"; "opc-request-id"; "x-trans-id" ]

    let private ownIds = [
        "x-amz-request-id"
        "x-guploader-uploadid"
        "x-goog-request-id"
        "x-oss-request-id"
        "x-cos-request-id"
        "x-obs-request-id"
    ]

    /// The request ids that a content delivery network sets, in front of whatever answers.
    let private networkIds = [ "cf-ray" ]

    let private hostIds = [ "x-amz-id-2"; "x-obs-id-2" ]

    /// Encryptions of other stores after which an ETag need not be an MD5: the header, and the values that they send in it.
    let private otherEncryptions: (string * (string -> bool)) list =
        let isOneOf (known: string list) (value: string) =
            List.contains (value.Trim().ToUpperInvariant()) known

        [
            "x-oss-server-side-encryption", isOneOf [ "AES256"; "KMS"; "SM4" ]
            "x-cos-server-side-encryption", isOneOf [ "AES256"; "COS/KMS"; "KMS"; "SM4" ]
            "x-obs-server-side-encryption", isOneOf [ "AES256"; "KMS"; "SM4" ]
            "x-goog-encryption-kms-key-name", (fun value -> value.Contains "/cryptoKeys/")
            "x-ms-encryption-scope", isOneOf [ "NONE"; "FALSE" ] >> not
        ]

    let private customerAlgorithms = [
        "x-amz-server-side-encryption-customer-algorithm"
        "x-oss-server-side-encryption-customer-algorithm"
        "x-cos-server-side-encryption-customer-algorithm"
        "x-obs-server-side-encryption-customer-algorithm"
        "x-goog-encryption-algorithm"
    ]

    /// `Location` as a URL, if it is one with a host.
    let private absolute (location: string) =
        let text =
            if location.StartsWith("//", StringComparison.Ordinal) then
                "https:" + location
            else
                location

        match Uri.TryCreate(text, UriKind.Absolute) with
        | true, NonNull uri when uri.Host <> "" -> Some uri
        | _ -> None

    /// `Location` without query and fragment, which are often long: a page for signing in is given the URL that was asked
    /// for. `None` if the rest is long, too.
    let private withoutQuery (location: string) : string option =
        match (location.Split([| '?'; '#' |], 2)[0]).Trim() with
        | text when text <> "" && text.Length <= longestValue -> Some text
        | _ -> None

    /// A location without user info: its scheme, host and path, or its path alone.
    let private shownLocation (location: string) =
        match absolute location with
        | Some uri -> Some $"{uri.Scheme}://{uri.Authority}{uri.AbsolutePath}"
        | None when location.Contains '@' || location.Contains ':' -> None
        | None -> Some location

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
        let several = HashSet<string>(StringComparer.OrdinalIgnoreCase)

        let add (name: string) (value: string) =
            if value.Length > 0 && value.Length <= longestValue then
                match values.TryGetValue name with
                // All of them are compared, where they are digests; one that is sent twice is one.
                | true, first when first <> value ->
                    values[name] <- $"{first}, {value}"
                    several.Add name |> ignore
                | true, _ -> ()
                | _ -> values.Add(name, value)

        let mutable location = None

        for header in headers do
            add header.Key header.Value

            if
                location.IsNone
                && header.Key.Equals("location", StringComparison.OrdinalIgnoreCase)
            then
                location <- withoutQuery header.Value

        let value (name: string) =
            match values.TryGetValue name with
            | true, value -> Some value
            | _ -> None

        let first = List.tryPick value

        /// The value of the first of these headers that has one, and only one.
        let firstOfOne names =
            names
            |> List.tryPick (fun name -> if several.Contains name then None else value name)

        let ownId = firstOfOne ownIds
        let requestId = ownId |> Option.orElse (firstOfOne sharedIds)

        let content =
            ResponseBody.read
                (value "content-type")
                (value "content-encoding")
                (value "x-oss-request-id").IsSome
                (sent |> Option.map _.Bytes)
                body
                bodyEnd

        // A digest field beside a body is about that (RFC 9530).
        let hasBody = not content.Body.IsEmpty || bodyEnd <> BodyEnd.Whole

        let result (name: string) =
            content.Result
            |> List.tryPick (fun (element, text) -> if element = name then Some text else None)

        for element, text in content.Result do
            if element.StartsWith("Checksum", StringComparison.Ordinal) then
                add ("x-amz-checksum-" + element.Substring(8).ToLowerInvariant()) text
            elif element = "ETag" then
                match value "etag" with
                | Some tag when tag.Trim '"' = text.Trim '"' -> ()
                | _ -> add "ETag" text

        {
            Status = status
            ETag = value "etag"
            VersionId = firstOfOne versionIds
            RequestId = requestId |> Option.orElse (first networkIds)
            IsRequestIdOfNetwork = requestId.IsNone && (first networkIds).IsSome
            IsRequestIdShared = requestId.IsSome && ownId.IsNone
            HostId = firstOfOne hostIds
            ServerSideEncryption = value "x-amz-server-side-encryption"
            OtherEncryption =
                otherEncryptions
                |> List.tryPick (fun (name, isKnown) -> value name |> Option.filter isKnown)
            CustomerAlgorithm = first customerAlgorithms
            Checksums = [
                for header in values do
                    let name = header.Key.ToLowerInvariant()

                    let checksum = { Header = name; Value = header.Value }

                    if
                        ChecksumHeader.isOne name
                        && ChecksumHeader.isReadable checksum
                        && not (ChecksumHeader.isOfBody name && hasBody)
                    then
                        checksum
            ]
            ChecksumType = value "x-amz-checksum-type"
            RetryAfter = value "retry-after"
            AmzRetryAfter = value "x-amz-retry-after"
            BucketRegion = value "x-amz-bucket-region"
            RedirectHost = location |> Option.bind absolute |> Option.map _.Host
            RedirectTo = location |> Option.bind shownLocation
            Server = value "server"
            Via = value "via"
            Date = value "date"
            Proxy = None
            Error =
                match content.Body with
                | ResponseBody.S3 error -> Some error
                | _ -> None
            Body =
                match content.Body with
                | ResponseBody.Foreign body -> Some body
                | _ -> None
            BodyEnd = bodyEnd
            Contradiction = Contradiction.find value values.Keys (result ResponseBody.Size) sent
            ResultBucket = result "Bucket"
            ResultKey = result "Key"
            ResultLocation = result "Location"
            SaysExpired = content.SaysExpired
            Sent = sent
        }
