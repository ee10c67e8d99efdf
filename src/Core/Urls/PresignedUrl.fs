namespace CellOS.Export.S3.Core

open System
open System.Text

/// What a presigned URL says of itself, without any network and without any secret. What is absent or cannot
/// be read is `None` or empty.
type PresignedUrl = {
    /// The scheme by which it is signed.
    Signature: UrlSignature
    /// When it was signed, or when it begins to be valid.
    SignedAt: DateTimeOffset option
    /// When it stops being valid: SigV4 `X-Amz-Date` + `X-Amz-Expires`, SigV2 `Expires`, Google Cloud Storage
    /// `X-Goog-Date` + `X-Goog-Expires` or `Expires`, Alibaba OSS `x-oss-date` + `x-oss-expires` or `Expires`, Tencent COS
    /// `q-sign-time`, Azure `se`, Swift `temp_url_expires`.
    ExpiresAt: DateTimeOffset option
    /// The headers that the signature covers, in lower case, `host` among them.
    SignedHeaders: string list
    /// SigV4: the region in the credential's scope.
    ScopeRegion: string option
    /// Whether it was signed with temporary credentials, which may end before the URL does.
    HasSecurityToken: bool
    /// The bucket, from an AWS host.
    Bucket: string option
    /// The object key, percent-decoded, from an AWS host.
    Key: string option
    /// The region, from an AWS host.
    Region: string option
    /// Whether an AWS host addresses an access point, whose bucket the URL does not tell.
    IsAccessPoint: bool
    /// A query parameter `x-amz-checksum-*` with the checksum of no bytes at all, in lower case.
    EmptyChecksum: string option
}

/// Rules that this module keeps (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"):
/// - it reads, it judges nothing: junk in a parameter is the same as its absence;
/// - names of parameters match without regard to case, percent-encoded or not; the first of several counts;
/// - it gives back no secret.
[<RequireQualifiedAccess>]
module PresignedUrl =

    /// How far the clock of S3 and that of this machine may be apart: 15 minutes. S3 does not ask for the latter where a URL
    /// is presigned; a good URL must not be taken for expired because it is fast.
    let AllowedSkew = SignedQuery.allowedSkew

    /// The longest life of a SigV4 URL: 604,800 seconds.
    [<Literal>]
    let MaxExpiresSeconds = SignedQuery.MaxExpiresSeconds

    /// The name of the header that is supplied where it is signed (RFC 1864), as a signature names it.
    [<Literal>]
    let ContentMd5 = SignedQuery.ContentMd5

    let private decodeEscapes (path: string) =
        let bytes = ResizeArray<byte>(path.Length)
        let mutable i = 0

        while i < path.Length do
            if path[i] = '%' then
                bytes.Add(Convert.ToByte(path.Substring(i + 1, 2), 16))
                i <- i + 3
            else
                bytes.Add(byte path[i])
                i <- i + 1

        let bytes = bytes.ToArray()

        if Unicode.Utf8.IsValid(ReadOnlySpan bytes) then
            Some(Encoding.UTF8.GetString bytes)
        else
            None

    /// Percent-decodes a path; `None` if the octets are not UTF-8, so that no wrong key is ever shown.
    let internal decodePath (path: string) =
        if path.Contains '%' then decodeEscapes path else Some path

    let private nonEmpty (text: string) = if text = "" then None else Some text

    /// Bucket and key of an AWS host and a path.
    let private address (host: S3Host) (path: string) =
        let below = path.Substring 1

        match host.Prefix with
        | Some prefix when host.IsAccessPoint -> None, decodePath below |> Option.bind nonEmpty
        | Some bucket -> Some bucket, decodePath below |> Option.bind nonEmpty
        | None ->
            match below.IndexOf '/' with
            | -1 -> decodePath below |> Option.bind nonEmpty, None
            | i ->
                decodePath (below.Substring(0, i))
                |> Option.bind nonEmpty
                |> Option.filter (S3Host.isAlias >> not),
                decodePath (below.Substring(i + 1)) |> Option.bind nonEmpty

    /// Bucket and key, where an AWS host tells them.
    let private addressOn (host: S3Host option) (url: RequestUrl) =
        match host with
        | Some host -> address host (RequestUrl.path url)
        | None -> None, None

    let internal addressOf (url: RequestUrl) : string option * string option =
        addressOn (S3Host.tryParse (RequestUrl.host url)) url

    /// The region of a SigV4 credential: `<access key id>/<yyyyMMdd>/<region>/s3/aws4_request`. The id may itself hold
    /// a '/'.
    let private scopeRegion (credential: string) =
        let parts = credential.Split '/'

        if parts.Length >= 4 && parts[parts.Length - 1] = "aws4_request" then
            nonEmpty parts[parts.Length - 3]
        else
            None

    /// Reads what the URL says of itself.
    [<CompiledName("Inspect")>]
    let inspect (url: RequestUrl) : PresignedUrl =
        let query = url.Query
        let host = S3Host.tryParse (RequestUrl.host url)
        let bucket, key = addressOn host url

        {
            Signature = query.Signature
            SignedAt = ValueOption.toOption query.SignedAt
            ExpiresAt = ValueOption.toOption query.ExpiresAt
            SignedHeaders = query.SignedHeaders
            // A signature for several regions (SigV4A) names none.
            ScopeRegion =
                match RequestUrl.parameter "X-Amz-Algorithm" url with
                | Some algorithm when algorithm.StartsWith("AWS4-ECDSA-", StringComparison.OrdinalIgnoreCase) ->
                    None
                | _ -> RequestUrl.parameter "X-Amz-Credential" url |> Option.bind scopeRegion
            HasSecurityToken = query.HasSecurityToken
            Bucket = bucket
            Key = key
            Region = host |> Option.bind _.Region
            IsAccessPoint = host |> Option.exists _.IsAccessPoint
            EmptyChecksum = SignedQuery.emptyChecksum query
        }

    /// The last moment at which a request with this URL may begin: its expiry and `AllowedSkew`.
    /// `None` for a URL that does not say when it expires.
    [<CompiledName("UsableUntil")>]
    let usableUntil (url: PresignedUrl) =
        url.ExpiresAt |> Option.map (Instant.plus AllowedSkew)

    /// Whether the signature covers the header of this name (in lower case).
    [<CompiledName("Signs")>]
    let signs (header: string) (url: PresignedUrl) = List.contains header url.SignedHeaders

    /// The headers that the signature covers and that are not among the given ones (names in lower case).
    [<CompiledName("MissingHeaders")>]
    let missingHeaders (supplied: string list) (url: PresignedUrl) =
        url.SignedHeaders |> List.filter (fun name -> not (List.contains name supplied))

    /// Those `x-amz-*` headers among the given ones (names in lower case) that the signature does not cover:
    /// S3 answers 403 to them. None where the URL has no SigV4 signature.
    [<CompiledName("UnsignedHeaders")>]
    let unsignedHeaders (sent: string list) (url: PresignedUrl) =
        if url.Signature = UrlSignature.V4 then
            sent
            |> List.filter (fun name ->
                name.StartsWith("x-amz-", StringComparison.Ordinal)
                && not (List.contains name url.SignedHeaders))
        else
            []
