namespace CellOS.Export.S3.Core

open System

/// The part of a response that must confirm what was sent.
[<RequireQualifiedAccess>]
type IntegrityMode =
    /// Nothing is compared; only the SHA-256 is taken.
    | Off
    /// What the server reports must equal what was sent.
    | Verify
    /// The server must confirm a digest.
    | Require

/// What the server confirmed. In the order of strength.
[<RequireQualifiedAccess>]
type Confirmation =
    /// Its `x-amz-checksum-sha256` is the SHA-256 of what was sent.
    | ChecksumSha256
    /// It accepted a `Content-MD5`, which it compares with what it received, or reports the MD5 of what was sent.
    | ContentMd5
    /// Its ETag is the MD5 of what was sent.
    | ETagMd5
    /// Its CRC-64/NVME is that of what was sent.
    | ChecksumCrc64Nvme
    /// Its CRC-64/XZ is that of what was sent.
    | ChecksumCrc64Xz
    /// Its CRC-32C is that of what was sent.
    | ChecksumCrc32C
    /// Its CRC-32 is that of what was sent.
    | ChecksumCrc32
    /// Its SHA-1 is that of what was sent.
    | ChecksumSha1
    /// Nothing.
    | Unverified

    /// The word in the receipt.
    member this.Name =
        match this with
        | ChecksumSha256 -> "checksum-sha256"
        | ContentMd5 -> "content-md5"
        | ETagMd5 -> "etag-md5"
        | ChecksumCrc64Nvme -> "checksum-crc64nvme"
        | ChecksumCrc64Xz -> "checksum-crc64xz"
        | ChecksumCrc32C -> "checksum-crc32c"
        | ChecksumCrc32 -> "checksum-crc32"
        | ChecksumSha1 -> "checksum-sha1"
        | Unverified -> "unverified"

    override this.ToString() = this.Name

/// Lists the confirmations.
[<RequireQualifiedAccess>]
module Confirmation =
    /// All confirmations, the strongest first.
    [<CompiledName("All")>]
    let all = [
        Confirmation.ChecksumSha256
        Confirmation.ContentMd5
        Confirmation.ETagMd5
        Confirmation.ChecksumCrc64Nvme
        Confirmation.ChecksumCrc64Xz
        Confirmation.ChecksumCrc32C
        Confirmation.ChecksumCrc32
        Confirmation.ChecksumSha1
        Confirmation.Unverified
    ]

    /// The confirmation that a reported digest gives if it equals ours.
    let internal ofReported (reported: ReportedDigest) =
        match reported.Digest.Algorithm with
        | DigestAlgorithm.Md5 when reported.Header = ReportedDigest.ETag -> Confirmation.ETagMd5
        | DigestAlgorithm.Md5 -> Confirmation.ContentMd5
        | DigestAlgorithm.Sha256 -> Confirmation.ChecksumSha256
        | DigestAlgorithm.Crc64Nvme -> Confirmation.ChecksumCrc64Nvme
        | DigestAlgorithm.Crc64Xz -> Confirmation.ChecksumCrc64Xz
        | DigestAlgorithm.Crc32C -> Confirmation.ChecksumCrc32C
        | DigestAlgorithm.Crc32 -> Confirmation.ChecksumCrc32
        | DigestAlgorithm.Sha1 -> Confirmation.ChecksumSha1

/// The result of comparing a success with what was sent.
[<RequireQualifiedAccess>]
type IntegrityVerdict =
    /// Nothing differs, and this is confirmed.
    | Confirmed of Confirmation
    /// The header reports the digest of other bytes.
    | Mismatch of Header: string
    /// The response reports digests that were not taken: they must be taken before there is a verdict.
    | NotTaken of DigestAlgorithm list
    /// Nothing was confirmed, and the mode requires it.
    | Missing

/// What a comparison depends on, besides the response and what was sent.
type IntegrityTerms = {
    /// The kind of target: an HTTP endpoint sets no mark of a store.
    Kind: TargetKind
    /// How much is compared, and what is required.
    Mode: IntegrityMode
    /// True if a `Content-MD5` was sent, and the response is one of a store that has stored the object.
    HasContentMd5: bool
    /// The digests that the request contained, in its headers or in the query of its URL: a gateway may return them without
    /// having compared them.
    Given: Digest list
    /// True if the request contained a key of the customer's (SSE-C).
    HasCustomerKey: bool
    /// True if the ETags of this store are not MD5s (directory buckets of Amazon S3).
    HasOpaqueTags: bool
}

/// Makes terms of a comparison.
[<RequireQualifiedAccess>]
module IntegrityTerms =
    /// Without a digest in the request, to a store whose ETags may be MD5s.
    [<CompiledName("Of")>]
    let ofMode (mode: IntegrityMode) : IntegrityTerms = {
        Kind = TargetKind.S3
        Mode = mode
        HasContentMd5 = false
        Given = []
        HasCustomerKey = false
        HasOpaqueTags = false
    }

/// Compares the digests in a response with those of what was sent.
///
/// Rules that this module keeps (Amazon S3 API Reference, "Object", ETag; Amazon S3 User Guide, "Checking object
/// integrity"; the descriptions of encrypted objects by Google, Alibaba, Tencent and Huawei):
/// - every digest that the response reports is compared; one that differs decides, whatever else is equal;
/// - an ETag confirms if it is the MD5, but a different one says nothing where a known encryption is stated that is not
///   Amazon's SSE-S3 (one with the customer's key only if the request had a key), and in directory buckets;
/// - a digest that was known without the content (of an empty file, or of the request) confirms only beside a request id that
///   stores alone set, or that of a store and another mark; `Content-MD5` and the digest fields of HTTP, which may be about the response's body, only beside another mark of a store; one of several
///   ETags never does;
/// - an accepted `Content-MD5` confirms only with a request id of a store and a mark that stores set of objects: a checksum,
///   a version, or, beside a request id that stores alone set, a strong ETag that is not another digest;
/// - an MD5 that was not taken is missed only if nothing else is confirmed: the sink takes none where a CRC-64/NVME
///   confirms;
/// - of several confirmations the strongest counts.
[<RequireQualifiedAccess>]
module Integrity =

    /// True for the encryptions after which an ETag of Amazon S3 is not an MD5.
    let private isByKey (algorithm: string) =
        match algorithm.Trim().ToLowerInvariant() with
        | "aws:kms"
        | "aws:kms:dsse"
        | "aws:fsx" -> true
        | _ -> false

    /// True for the algorithms of encryption with the customer's own key.
    let private isOfCustomer (algorithm: string) =
        match algorithm.Trim().ToUpperInvariant() with
        | "AES256"
        | "SM4" -> true
        | _ -> false

    let private mayHaveOpaqueTag (terms: IntegrityTerms) (reply: Reply) =
        terms.HasOpaqueTags
        || reply.ServerSideEncryption |> Option.exists isByKey
        || reply.OtherEncryption.IsSome
        || terms.HasCustomerKey && reply.CustomerAlgorithm |> Option.exists isOfCustomer

    /// False for a `Content-MD5` of an HTTP endpoint that may be of the response's own body, unless it is ours.
    let private isOfObject (terms: IntegrityTerms) (reply: Reply) (sent: Sent) (reported: ReportedDigest) =
        terms.Kind <> TargetKind.Http
        || reported.Header <> ChecksumHeader.ContentMd5
        || sent.Digest DigestAlgorithm.Md5 = Some reported.Digest
        || reply.Body.IsNone
           && reply.Error.IsNone
           && not (Digest.isOfNothing reported.Digest)

    /// The digests that the response reports, of which those of its checksums are read already. An ETag that need not be an
    /// MD5 is left out, unless it is ours.
    let private reportedBy
        (checksums: ReportedDigest list)
        (terms: IntegrityTerms)
        (reply: Reply)
        (sent: Sent)
        =
        let counts (tag: ReportedDigest) =
            not (mayHaveOpaqueTag terms reply)
            || sent.Digest DigestAlgorithm.Md5 = Some tag.Digest

        if terms.Mode.IsOff then
            []
        else
            (checksums |> List.filter (isOfObject terms reply sent))
            @ (ReportedDigest.ofETag reply |> List.filter counts)

    let private isEqual (sent: Sent) (reported: ReportedDigest) =
        sent.Digest reported.Digest.Algorithm = Some reported.Digest

    let private isTaken (sent: Sent) (reported: ReportedDigest) =
        (sent.Digest reported.Digest.Algorithm).IsSome

    /// True if a digest that equals ours shows that the server has received the content.
    let private confirms (terms: IntegrityTerms) (reply: Reply) (sent: Sent) (equal: ReportedDigest) =
        let isKnownWithoutContent =
            sent.Bytes = 0L || List.contains equal.Digest terms.Given

        (not isKnownWithoutContent
         || reply.HasOwnStoreId
         || reply.HasStoreId && reply.HasMarkBesides terms.Given)
        && (equal.Header <> ReportedDigest.ETag || reply.OnlyETag.IsSome)
        && (not (ChecksumHeader.isOfAnyServer equal.Header)
            || reply.IsMarked
            || terms.Kind = TargetKind.Http)

    /// True if an ETag is the digest of something else: of an upload in parts, or longer than an MD5.
    let private isOtherDigest (sent: Sent) (tag: string) =
        let tag = EntityTags.bare tag
        let isHex (text: string) = text |> Seq.forall Char.IsAsciiHexDigit

        match tag.LastIndexOf '-' with
        | -1 ->
            tag.Length > 32
            && isHex tag
            && not (tag.Equals(sent.Sha256.Hex, StringComparison.OrdinalIgnoreCase))
        | i ->
            i >= 32
            && isHex (tag.Substring(0, i))
            && tag.Substring(i + 1) |> Seq.forall Char.IsAsciiDigit

    /// True if the response shows that a store has accepted the `Content-MD5` of the request.
    let private hasAcceptedMd5 (terms: IntegrityTerms) (reply: Reply) (sent: Sent) =
        terms.HasContentMd5
        && reply.HasStoreId
        && (reply.VersionId.IsSome
            || not reply.OwnChecksums.IsEmpty
            || reply.HasOwnStoreId
               && reply.OnlyETag
                  |> Option.exists (fun tag ->
                      EntityTags.isMark tag && not (isOtherDigest sent tag)
                      || sent.Digest DigestAlgorithm.Md5 =
                          Digest.tryParseHex DigestAlgorithm.Md5 (EntityTags.bare tag)))

    /// Returns the verdict on a success whose checksums are read already.
    let internal verdictWith
        (checksums: ReportedDigest list)
        (terms: IntegrityTerms)
        (reply: Reply)
        (sent: Sent)
        =
        let equal, others =
            reportedBy checksums terms reply sent |> List.partition (isEqual sent)

        let differing, notTaken = others |> List.partition (isTaken sent)

        let confirmations = [
            if hasAcceptedMd5 terms reply sent then
                Confirmation.ContentMd5

            for reported in equal do
                if confirms terms reply sent reported then
                    Confirmation.ofReported reported
        ]

        let missed =
            notTaken
            |> List.map _.Digest.Algorithm
            |> List.filter (fun algorithm -> not algorithm.IsMd5 || confirmations.IsEmpty)
            |> List.distinct

        match differing, missed, confirmations with
        | first :: _, _, _ -> IntegrityVerdict.Mismatch first.Header
        | [], _ :: _, _ -> IntegrityVerdict.NotTaken missed
        | [], [], _ :: _ -> IntegrityVerdict.Confirmed(List.min confirmations)
        | [], [], [] when terms.Mode.IsRequire -> IntegrityVerdict.Missing
        | [], [], [] -> IntegrityVerdict.Confirmed Confirmation.Unverified

    /// Returns the verdict on a success.
    [<CompiledName("Verdict")>]
    let verdict (terms: IntegrityTerms) (reply: Reply) (sent: Sent) : IntegrityVerdict =
        verdictWith (ReportedDigest.ofChecksums reply) terms reply sent

    /// The first digest that the response reports of other bytes, and ours.
    let internal differing (terms: IntegrityTerms) (reply: Reply) : (ReportedDigest * Digest) option =
        reply.Sent
        |> Option.bind (fun sent ->
            reportedBy (ReportedDigest.ofChecksums reply) terms reply sent
            |> List.tryPick (fun reported ->
                sent.Digest reported.Digest.Algorithm
                |> Option.filter (fun own -> own <> reported.Digest)
                |> Option.map (fun own -> reported, own)))

    /// The same as `confirmed`, of checksums that are read already.
    let internal confirmedOf
        (checksums: ReportedDigest list)
        (terms: IntegrityTerms)
        (reply: Reply)
        (sent: Sent)
        =
        if terms.Mode.IsOff then
            []
        else
            checksums
            |> List.filter (fun reported -> isEqual sent reported && confirms terms reply sent reported)
            |> List.map _.Digest
            |> List.distinct
            |> List.sortBy _.Algorithm

    /// The checksums that a response reports, that equal ours and that confirm it, one of each algorithm, in the order of the
    /// algorithms.
    [<CompiledName("Confirmed")>]
    let confirmed (terms: IntegrityTerms) (reply: Reply) (sent: Sent) : Digest list =
        confirmedOf (ReportedDigest.ofChecksums reply) terms reply sent

    /// The algorithms of all checksums that a success reports: what the sink learns of the host.
    let internal algorithmsOf (checksums: ReportedDigest list) : Set<DigestAlgorithm> =
        checksums |> List.map _.Digest.Algorithm |> Set.ofList
