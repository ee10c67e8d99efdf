namespace CellOS.Export.S3.Core

open System

/// A digest of the object that a response reports.
type ReportedDigest = {
    /// The header that reports it: in lower case, or `ETag`.
    Header: string
    /// The digest.
    Digest: Digest
}

/// Reads the digests of the object from a response.
///
/// Rules that this module keeps (Amazon S3 User Guide, "Checking object integrity"; Google Cloud Storage, XML API,
/// "x-goog-hash"; Azure Blob Storage, "Put Blob"; Alibaba OSS, "PutObject"; Tencent COS, "PUT Object"; Oracle Object Storage,
/// "PutObject"):
/// - a value that is not a digest of the algorithm's length reports nothing;
/// - a composite checksum (`x-amz-checksum-type: COMPOSITE`, or `-` and a number at the end) is of an upload in parts, and
///   reports nothing about one PUT;
/// - an ETag of 32 hexadecimal digits is an MD5, quoted or not, weak or not, and with the mark of a compression behind it;
/// - of a header that appears several times, each value is read.
[<RequireQualifiedAccess>]
module ReportedDigest =

    /// The name in `Header` of an MD5 that is an ETag.
    [<Literal>]
    let ETag = "ETag"

    /// True if the text is a digest, `-` and a number: the digest of the digests of parts.
    let private isComposite (algorithm: DigestAlgorithm) (text: string) =
        match text.LastIndexOf '-' with
        | -1 -> false
        | i ->
            i + 1 < text.Length
            && Seq.forall Char.IsAsciiDigit (text.AsSpan(i + 1).ToString())
            && (Digest.tryParse algorithm (text.Substring(0, i))).IsSome

    let private parseFull (algorithm: DigestAlgorithm) (text: string) =
        let text = text.Trim()

        if isComposite algorithm text then None else Digest.tryParse algorithm text

    let private values (checksum: ReportedChecksum) =
        checksum.Value.Split(',', StringSplitOptions.TrimEntries ||| StringSplitOptions.RemoveEmptyEntries)
        |> List.ofArray

    /// A value of `x-goog-hash`: `crc32c=yZRlqg==`.
    let private parseNamed (value: string) =
        match value.IndexOf '=' with
        | -1 -> None
        | i ->
            match value.Substring(0, i).TrimEnd().ToLowerInvariant() with
            | "crc32c" -> Digest.tryParse DigestAlgorithm.Crc32C (value.Substring(i + 1))
            | "md5" -> Digest.tryParse DigestAlgorithm.Md5 (value.Substring(i + 1))
            | _ -> None

    let private parseValue (header: string) (isComposite: bool) (value: string) =
        match header with
        | "content-md5"
        | "opc-content-md5" -> Digest.tryParse DigestAlgorithm.Md5 value
        | "x-goog-hash" -> parseNamed value
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma" -> Digest.tryParseDecimal DigestAlgorithm.Crc64Xz value
        | _ when isComposite -> None
        | header ->
            DigestAlgorithm.ofAmzHeader header
            |> Option.bind (fun algorithm -> parseFull algorithm value)

    let private isCompositeType (reply: Reply) =
        match reply.ChecksumType with
        | Some kind -> kind.Contains("COMPOSITE", StringComparison.OrdinalIgnoreCase)
        | None -> false

    /// The digests that the checksum headers of a response report, in the order of the headers.
    [<CompiledName("OfChecksums")>]
    let ofChecksums (reply: Reply) : ReportedDigest list =
        let isComposite = isCompositeType reply

        [
            for checksum in reply.Checksums do
                for value in values checksum do
                    match parseValue checksum.Header isComposite value with
                    | Some digest -> {
                        Header = checksum.Header
                        Digest = digest
                      }
                    | None -> ()
        ]

    /// The entity tags of a field that may have several, each with its quotes (RFC 9110, 8.8.3).
    let private tags (field: string) =
        let isComma i =
            field[i] = ',' && (field.AsSpan(0, i).Count '"') % 2 = 0

        let commas = [
            for i in 0 .. field.Length - 1 do
                if isComma i then
                    i
        ]

        List.zip (-1 :: commas) (commas @ [ field.Length ])
        |> List.map (fun (before, stop) -> field.Substring(before + 1, stop - before - 1))

    /// What a server appends to the ETag of a response that it compresses.
    let private compressions = [ "-gzip"; "-br"; "-deflate"; "-zstd"; ";gzip" ]

    let private withoutCompression (tag: string) =
        match
            compressions
            |> List.tryFind (fun mark -> tag.EndsWith(mark, StringComparison.OrdinalIgnoreCase))
        with
        | Some mark -> tag.Substring(0, tag.Length - mark.Length)
        | None -> tag

    /// The tag without quotes, without the mark of a weak one, and without that of a compression.
    let private bareTag (tag: string) =
        let tag = tag.Trim()

        let tag =
            if tag.StartsWith("W/", StringComparison.Ordinal) then tag.Substring 2 else tag

        (withoutCompression (tag.Trim '"')).Trim '"'

    /// The MD5s that the ETag of a response reports: one at most, unless the response has several ETags.
    [<CompiledName("OfETag")>]
    let ofETag (reply: Reply) : ReportedDigest list =
        match reply.ETag with
        | None -> []
        | Some field -> [
            for tag in tags field do
                match Digest.tryParseHex DigestAlgorithm.Md5 (bareTag tag) with
                | Some digest -> { Header = ETag; Digest = digest }
                | None -> ()
          ]
