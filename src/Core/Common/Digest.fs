namespace CellOS.Export.S3.Core

open System
open System.Buffers.Binary
open System.Globalization

/// The algorithms of the digests that stores report of an object, in the order of the receipt.
[<RequireQualifiedAccess>]
type DigestAlgorithm =
    /// SHA-256 (FIPS 180-4).
    | Sha256
    /// MD5 (RFC 1321).
    | Md5
    /// CRC-64/NVME, the checksum that Amazon S3 takes of every object.
    | Crc64Nvme
    /// CRC-64/XZ, which Alibaba OSS and Tencent COS call `crc64ecma`.
    | Crc64Xz
    /// CRC-32C (RFC 3720, 12.1).
    | Crc32C
    /// CRC-32 (ISO-HDLC), as in zip and gzip.
    | Crc32
    /// SHA-1 (FIPS 180-4).
    | Sha1

    /// The name in receipts, such as `crc64nvme`.
    member this.Name =
        match this with
        | Sha256 -> "sha256"
        | Md5 -> "md5"
        | Crc64Nvme -> "crc64nvme"
        | Crc64Xz -> "crc64xz"
        | Crc32C -> "crc32c"
        | Crc32 -> "crc32"
        | Sha1 -> "sha1"

    /// The name in sentences, such as `CRC-64/NVME`.
    member this.Title =
        match this with
        | Sha256 -> "SHA-256"
        | Md5 -> "MD5"
        | Crc64Nvme -> "CRC-64/NVME"
        | Crc64Xz -> "CRC-64/XZ"
        | Crc32C -> "CRC-32C"
        | Crc32 -> "CRC-32"
        | Sha1 -> "SHA-1"

    /// The number of octets in a digest.
    member this.Size =
        match this with
        | Sha256 -> 32
        | Md5 -> 16
        | Crc64Nvme
        | Crc64Xz -> 8
        | Crc32C
        | Crc32 -> 4
        | Sha1 -> 20

    override this.ToString() = this.Name

/// Lists algorithms of digests, and names their headers.
[<RequireQualifiedAccess>]
module DigestAlgorithm =
    /// All algorithms, in the order of the receipt.
    [<CompiledName("All")>]
    let all = [
        DigestAlgorithm.Sha256
        DigestAlgorithm.Md5
        DigestAlgorithm.Crc64Nvme
        DigestAlgorithm.Crc64Xz
        DigestAlgorithm.Crc32C
        DigestAlgorithm.Crc32
        DigestAlgorithm.Sha1
    ]

    let private amzPrefix = "x-amz-checksum-"

    /// Returns the algorithm of an Amazon S3 checksum header or parameter, such as `x-amz-checksum-crc32c` (Amazon S3 API
    /// Reference, "PutObject"); the name is in lower case.
    let internal ofAmzHeader (name: string) : DigestAlgorithm option =
        match name with
        | "x-amz-checksum-sha256" -> Some DigestAlgorithm.Sha256
        | "x-amz-checksum-sha1" -> Some DigestAlgorithm.Sha1
        | "x-amz-checksum-crc32" -> Some DigestAlgorithm.Crc32
        | "x-amz-checksum-crc32c" -> Some DigestAlgorithm.Crc32C
        | "x-amz-checksum-crc64nvme" -> Some DigestAlgorithm.Crc64Nvme
        | _ -> None

    /// Returns the algorithm of a header that an upload can carry: `content-md5` (RFC 1864), or a checksum of Amazon S3;
    /// the name is in lower case.
    let internal ofRequestHeader (name: string) : DigestAlgorithm option =
        if name = "content-md5" then Some DigestAlgorithm.Md5 else ofAmzHeader name

    /// Returns the name of the header that carries the digest in an upload, if there is one.
    let internal requestHeader (algorithm: DigestAlgorithm) : string option =
        match algorithm with
        | DigestAlgorithm.Md5 -> Some "Content-MD5"
        | DigestAlgorithm.Crc64Xz -> None
        | _ -> Some(amzPrefix + algorithm.Name)

/// The digest of some content: its algorithm and its octets in network byte order.
[<Sealed>]
type Digest private (algorithm: DigestAlgorithm, octets: byte[]) =

    /// The algorithm.
    member _.Algorithm = algorithm

    /// The octets in lower-case hexadecimal digits.
    member _.Hex = Convert.ToHexStringLower octets

    /// The octets in Base64, as headers carry them.
    member _.Base64 = Convert.ToBase64String octets

    member internal _.Octets = ReadOnlySpan octets

    /// The octets as a header of this name (`ETag`, or in lower case) writes them.
    member internal this.InHeader(name: string) =
        match name with
        | "ETag" -> this.Hex
        | "x-oss-hash-crc64ecma"
        | "x-cos-hash-crc64ecma" ->
            (BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan octets)).ToString CultureInfo.InvariantCulture
        | _ -> this.Base64

    /// Returns the digest of these octets; `None` if their number is not that of the algorithm.
    static member TryCreate(algorithm: DigestAlgorithm, octets: ReadOnlySpan<byte>) : Digest option =
        if octets.Length = algorithm.Size then
            Some(Digest(algorithm, octets.ToArray()))
        else
            None

    override _.Equals other =
        match other with
        | :? Digest as other -> other.Algorithm = algorithm && other.Octets.SequenceEqual(ReadOnlySpan octets)
        | _ -> false

    override _.GetHashCode() =
        HashCode.Combine(algorithm, BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan octets))

    /// The algorithm and the octets in hexadecimal digits, such as `crc32:0d4a1185`.
    override this.ToString() = $"{algorithm.Name}:{this.Hex}"

/// Parses digests.
///
/// Rules that this module keeps:
/// - a text is a digest only if it has exactly the octets of the algorithm;
/// - Base64 with and without padding, in both alphabets (RFC 4648, 4 and 5), and hexadecimal digits are recognised: they
///   differ in length for every algorithm.
[<RequireQualifiedAccess>]
module Digest =

    /// Returns the digest whose octets these hexadecimal digits are, in any case.
    [<CompiledName("TryParseHex")>]
    let tryParseHex (algorithm: DigestAlgorithm) (text: string) : Digest option =
        if text.Length = 2 * algorithm.Size && Seq.forall Char.IsAsciiHexDigit text then
            Digest.TryCreate(algorithm, ReadOnlySpan(Convert.FromHexString text))
        else
            None

    /// Returns the digest whose octets this Base64 text has.
    let private tryParseBase64 (algorithm: DigestAlgorithm) (text: string) : Digest option =
        let unpadded = text.TrimEnd('=').Length
        let padded = (unpadded + 3) / 4 * 4
        let octets = Array.zeroCreate<byte> algorithm.Size

        // The padding is complete, or left out.
        if text.Length <> padded && text.Length <> unpadded then
            None
        else
            let whole = if text.Length = padded then text else text.PadRight(padded, '=')

            match Convert.TryFromBase64String(whole.Replace('-', '+').Replace('_', '/'), octets) with
            | true, count -> Digest.TryCreate(algorithm, ReadOnlySpan(octets, 0, count))
            | _ -> None

    /// Returns the digest that a text states in Base64 or in hexadecimal digits.
    [<CompiledName("TryParse")>]
    let tryParse (algorithm: DigestAlgorithm) (text: string) : Digest option =
        let text = text.Trim()

        tryParseHex algorithm text
        |> Option.orElseWith (fun () -> tryParseBase64 algorithm text)

    /// Returns the digest that an unsigned decimal number states, as Alibaba OSS and Tencent COS write a CRC-64.
    [<CompiledName("TryParseDecimal")>]
    let tryParseDecimal (algorithm: DigestAlgorithm) (text: string) : Digest option =
        match UInt64.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture) with
        | true, number when algorithm.Size = sizeof<uint64> && not (text.Contains '\000') ->
            let octets = Array.zeroCreate<byte> sizeof<uint64>
            BinaryPrimitives.WriteUInt64BigEndian(Span octets, number)
            Digest.TryCreate(algorithm, ReadOnlySpan octets)
        | _ -> None

    /// The digests of no bytes.
    let private ofNothing =
        [
            DigestAlgorithm.Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            DigestAlgorithm.Md5, "d41d8cd98f00b204e9800998ecf8427e"
            DigestAlgorithm.Crc64Nvme, "0000000000000000"
            DigestAlgorithm.Crc64Xz, "0000000000000000"
            DigestAlgorithm.Crc32C, "00000000"
            DigestAlgorithm.Crc32, "00000000"
            DigestAlgorithm.Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        ]
        |> List.choose (fun (algorithm, hex) -> tryParseHex algorithm hex)

    /// Returns the digest of no bytes.
    [<CompiledName("OfEmptyContent")>]
    let ofEmptyContent (algorithm: DigestAlgorithm) : Digest =
        ofNothing |> List.find (fun digest -> digest.Algorithm = algorithm)

    /// True if this is the digest of no bytes.
    [<CompiledName("IsOfNothing")>]
    let isOfNothing (digest: Digest) : bool = List.contains digest ofNothing
