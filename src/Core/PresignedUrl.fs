namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text

/// How a presigned URL is signed. Holds nothing of the signature or the credential themselves.
[<RequireQualifiedAccess>]
type UrlSignature =
    /// No signature that this library knows.
    | Unsigned
    /// AWS Signature Version 4 in the query.
    | V4
    /// AWS Signature Version 2 in the query. It signs `Content-Type`, so none is sent unless asked for.
    | V2

/// What a presigned URL says of itself, without any network and without any secret. What is absent or cannot
/// be read is `None` or empty.
type PresignedUrl = {
    Signature: UrlSignature
    /// SigV4: when it was signed.
    SignedAt: DateTimeOffset option
    /// When it stops being valid: SigV4 `X-Amz-Date` + `X-Amz-Expires`, SigV2 `Expires`.
    ExpiresAt: DateTimeOffset option
    /// SigV4: the headers that the signature covers, in lower case, `host` among them.
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

    /// How far S3's clock and the client's may be apart: 15 minutes.
    let AllowedSkew = TimeSpan.FromMinutes 15.

    /// The longest life of a SigV4 URL: 604,800 seconds.
    [<Literal>]
    let MaxExpiresSeconds = 604800L

    /// The name of the header that is supplied where it is signed (RFC 1864), as a signature names it.
    [<Literal>]
    let ContentMd5 = "content-md5"

    /// A parameter of the query, percent-decoded.
    type private Parameter = { Name: string; Value: string }

    let private unescape (text: string) =
        if text.Contains '%' then Uri.UnescapeDataString text else text

    let private parameters (query: string) =
        query.Split('&', StringSplitOptions.RemoveEmptyEntries)
        |> Array.map (fun parameter ->
            let name, value =
                match parameter.IndexOf '=' with
                | -1 -> parameter, ""
                | i -> parameter.Substring(0, i), parameter.Substring(i + 1)

            {
                Name = unescape name
                Value = unescape value
            })

    /// What is chosen of the first parameter that it is chosen of.
    let private pick (choose: Parameter -> string option) (parameters: Parameter[]) =
        let rec from i =
            if i = parameters.Length then
                None
            else
                match choose parameters[i] with
                | None -> from (i + 1)
                | found -> found

        from 0

    let private instant (value: string) =
        match
            DateTimeOffset.TryParseExact(
                value,
                "yyyyMMdd'T'HHmmss'Z'",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal
            )
        with
        | true, at -> Some at
        | _ -> None

    let private wholeNumber (value: string) =
        match Int64.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture) with
        // .NET takes NUL characters at the end.
        | true, number when not (value.EndsWith '\000') -> Some number
        | _ -> None

    let private unixTime (value: string) =
        wholeNumber value
        |> Option.filter (fun seconds -> seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        |> Option.map DateTimeOffset.FromUnixTimeSeconds

    /// Percent-decodes a path; `None` if the octets are no UTF-8, so that no wrong key is ever shown.
    let private decodePath (path: string) =
        let bytes = ResizeArray<byte>(path.Length)
        let mutable i = 0

        while i < path.Length do
            if path[i] = '%' then
                bytes.Add(Convert.ToByte(path.Substring(i + 1, 2), 16))
                i <- i + 3
            else
                bytes.Add(byte path[i])
                i <- i + 1

        let text = Encoding.UTF8.GetString(bytes.ToArray())

        if text.Contains '\ufffd' then None else Some text

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
                decodePath (below.Substring(0, i)) |> Option.bind nonEmpty,
                decodePath (below.Substring(i + 1)) |> Option.bind nonEmpty

    /// The checksums of no bytes, as S3 writes them (Amazon S3 User Guide, "Checking object integrity"). The name is
    /// in lower case.
    let private isEmptyChecksum (name: string) (value: string) =
        match name with
        | "x-amz-checksum-crc32"
        | "x-amz-checksum-crc32c" -> value = "AAAAAA=="
        | "x-amz-checksum-crc64nvme" -> value = "AAAAAAAAAAA="
        | "x-amz-checksum-sha1" -> value = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="
        | "x-amz-checksum-sha256" -> value = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        | _ -> false

    /// The names of all parameters of the query, in lower case. A gateway may carry its token as one: they are for
    /// comparing, not for showing.
    let internal parameterNames (url: RequestUrl) : string list = [
        for parameter in parameters (RequestUrl.revealQuery url) -> parameter.Name.ToLowerInvariant()
    ]

    /// Reads what the URL says of itself.
    [<CompiledName("Inspect")>]
    let inspect (url: RequestUrl) : PresignedUrl =
        let parameters = parameters (RequestUrl.revealQuery url)

        let find (name: string) =
            parameters
            |> pick (fun parameter ->
                if parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase) then
                    Some parameter.Value
                else
                    None)

        let signedAt = find "X-Amz-Date" |> Option.bind instant

        let lifetime =
            find "X-Amz-Expires"
            |> Option.bind wholeNumber
            |> Option.filter (fun seconds -> seconds <= MaxExpiresSeconds)
            |> Option.map (float >> TimeSpan.FromSeconds)

        let isV4 = (find "X-Amz-Signature").IsSome
        let isV2 = not isV4 && (find "Signature").IsSome && (find "AWSAccessKeyId").IsSome

        let expiresAt =
            if isV2 then
                find "Expires" |> Option.bind unixTime
            else
                match signedAt, lifetime with
                | Some at, Some lifetime when at.UtcTicks <= DateTimeOffset.MaxValue.UtcTicks - lifetime.Ticks ->
                    Some(at + lifetime)
                | _ -> None

        let host = S3Host.tryParse (RequestUrl.host url)

        let bucket, key =
            match host with
            | Some host -> address host (RequestUrl.path url)
            | None -> None, None

        {
            Signature =
                if isV4 then UrlSignature.V4
                elif isV2 then UrlSignature.V2
                else UrlSignature.Unsigned
            SignedAt = signedAt
            ExpiresAt = expiresAt
            SignedHeaders =
                match find "X-Amz-SignedHeaders" with
                | Some names ->
                    names.Split(';', StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)
                    |> fun names -> [ for name in names -> name.ToLowerInvariant() ]
                | None -> []
            ScopeRegion =
                find "X-Amz-Credential"
                |> Option.bind (fun credential ->
                    // <access key id>/<yyyyMMdd>/<region>/s3/aws4_request; the id may itself hold a '/'.
                    let parts = credential.Split '/'

                    if parts.Length >= 4 && parts[parts.Length - 1] = "aws4_request" then
                        nonEmpty parts[parts.Length - 3]
                    else
                        None)
            HasSecurityToken = (find "X-Amz-Security-Token").IsSome
            Bucket = bucket
            Key = key
            Region = host |> Option.bind _.Region
            IsAccessPoint = host |> Option.exists _.IsAccessPoint
            EmptyChecksum =
                parameters
                |> pick (fun parameter ->
                    let name = parameter.Name.ToLowerInvariant()
                    if isEmptyChecksum name parameter.Value then Some name else None)
        }

    /// The last moment at which a request with this URL may begin: its expiry and the skew that S3 allows.
    /// `None` for a URL that does not say when it expires.
    [<CompiledName("UsableUntil")>]
    let usableUntil (url: PresignedUrl) =
        url.ExpiresAt
        |> Option.map (fun at ->
            if at > DateTimeOffset.MaxValue - AllowedSkew then
                DateTimeOffset.MaxValue
            else
                at + AllowedSkew)

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
