namespace CellOS.Export.S3.Core

open System

/// A checksum or digest that a store reports in a header of its response.
type ReportedChecksum = {
    /// The header's name in lower case, such as `x-amz-checksum-sha256`.
    Header: string
    /// The header's value, as it was sent.
    Value: string
}

/// Reads the headers in which stores report digests.
///
/// Rules that this module keeps (Amazon S3 User Guide, "Checking object integrity"; Google Cloud Storage, XML API,
/// "x-goog-hash"; Azure Blob Storage, "Put Blob"; Alibaba OSS, "PutObject"; Tencent COS, "PUT Object"; Oracle Object Storage,
/// "PutObject"):
/// - a value that is not a digest of the algorithm's length reports nothing;
/// - a composite checksum (`-` and a number at the end) is of an upload in parts, and reports nothing about one PUT;
/// - of a header that appears several times, each value is read, with or without quotation marks;
/// - of the digest fields of HTTP (RFC 9530, RFC 3230), a digest of no bytes is that of the empty response.
[<RequireQualifiedAccess>]
module internal ChecksumHeader =

    /// The header of any server, which may be about the response's own body.
    [<Literal>]
    let ContentMd5 = "content-md5"

    /// The digest fields of HTTP, which are about the body of the response, where it has one (RFC 9530; RFC 3230).
    let isOfBody (name: string) : bool =
        name = "repr-digest" || name = "content-digest" || name = "digest"

    /// True for the headers that any server sets, also about the body of its response.
    let isOfAnyServer (name: string) : bool = name = ContentMd5 || isOfBody name

    /// True if a header of this name (in lower case) may report a digest.
    let isOne (name: string) : bool =
        match name with
        | "x-goog-hash"
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma"
        | ContentMd5
        | "opc-content-md5" -> true
        | _ when isOfBody name -> true
        | "x-amz-checksum-type"
        | "x-amz-checksum-algorithm" -> false
        | _ -> name.StartsWith("x-amz-checksum-", StringComparison.Ordinal)

    /// The text without `-` and a number at its end, where it has them: a digest of the digests of parts.
    let private withoutParts (text: string) : string option =
        match text.LastIndexOf '-' with
        | i when
            i >= 0
            && i + 1 < text.Length
            && Seq.forall Char.IsAsciiDigit (text.Substring(i + 1))
            ->
            Some(text.Substring(0, i))
        | _ -> None

    let private values (checksum: ReportedChecksum) =
        checksum.Value.Split(',', StringSplitOptions.TrimEntries ||| StringSplitOptions.RemoveEmptyEntries)
        |> List.ofArray
        |> List.map _.Trim('"')

    /// A value of `x-goog-hash`: `crc32c=yZRlqg==`.
    let private parseNamed (value: string) =
        match value.IndexOf '=' with
        | -1 -> None
        | i ->
            match value.Substring(0, i).TrimEnd().ToLowerInvariant() with
            | "crc32c" -> Digest.tryParse DigestAlgorithm.Crc32C (value.Substring(i + 1))
            | "md5" -> Digest.tryParse DigestAlgorithm.Md5 (value.Substring(i + 1))
            | _ -> None

    /// A value of a digest field: `sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:`, or without colons.
    let private parseField (value: string) =
        let algorithm =
            match (value.Split('=', 2)[0]).Trim().ToLowerInvariant() with
            | "sha-256" -> Some DigestAlgorithm.Sha256
            | "md5" -> Some DigestAlgorithm.Md5
            | "sha" -> Some DigestAlgorithm.Sha1
            | "crc32c" -> Some DigestAlgorithm.Crc32C
            | _ -> None

        match algorithm, value.IndexOf '=' with
        | Some algorithm, i when i >= 0 ->
            Digest.tryParse algorithm ((value.Substring(i + 1)).Trim().Trim ':')
            |> Option.filter (Digest.isOfNothing >> not)
        | _ -> None

    /// The algorithm of an Amazon S3 checksum header of a response.
    let private amzAlgorithm (header: string) =
        match header with
        | "x-amz-checksum-md5" -> Some DigestAlgorithm.Md5
        | _ -> DigestAlgorithm.ofAmzHeader header

    let private parseValue (header: string) (value: string) =
        match header with
        | ContentMd5
        | "opc-content-md5" -> Digest.tryParse DigestAlgorithm.Md5 value
        | "x-goog-hash" -> parseNamed value
        | _ when isOfBody header -> parseField value
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma" -> Digest.tryParseDecimal DigestAlgorithm.Crc64Xz value
        | _ ->
            amzAlgorithm header
            |> Option.bind (fun algorithm -> Digest.tryParse algorithm value)

    /// The digest of the whole object that a value reports.
    let private parseFull (header: string) (value: string) =
        match withoutParts value with
        | Some before when (parseValue header before).IsSome -> None
        | _ -> parseValue header value

    /// The digests that a header reports of the whole object.
    let parse (checksum: ReportedChecksum) : Digest list =
        values checksum |> List.choose (parseFull checksum.Header)

    /// True if a value of the header is a digest: of the whole object, or of an upload in parts.
    let isReadable (checksum: ReportedChecksum) : bool =
        values checksum
        |> List.exists (fun value ->
            (parseValue checksum.Header value).IsSome
            || withoutParts value
               |> Option.exists (fun before -> (parseValue checksum.Header before).IsSome))
