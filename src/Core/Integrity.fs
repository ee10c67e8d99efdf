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
    /// How much is compared, and what is required.
    Mode: IntegrityMode
    /// True if a `Content-MD5` was sent.
    HasContentMd5: bool
    /// True if the ETags of this store are not MD5s (directory buckets of Amazon S3).
    HasOpaqueTags: bool
}

/// Makes terms of a comparison.
[<RequireQualifiedAccess>]
module IntegrityTerms =
    /// Without a `Content-MD5`, to a store whose ETags may be MD5s.
    [<CompiledName("Of")>]
    let ofMode (mode: IntegrityMode) : IntegrityTerms = {
        Mode = mode
        HasContentMd5 = false
        HasOpaqueTags = false
    }

/// Compares the digests in a response with those of what was sent.
///
/// Rules that this module keeps (Amazon S3 API Reference, "Object", ETag; Amazon S3 User Guide, "Checking object
/// integrity"; the descriptions of encrypted objects by Google, Alibaba, Tencent and Huawei):
/// - every digest that the response reports is compared; one that differs decides, whatever else is equal;
/// - an ETag confirms if it is the MD5, but a different one says nothing where the object is encrypted otherwise than by
///   Amazon's SSE-S3 (`AES256`), and in directory buckets;
/// - an accepted `Content-MD5` confirms only with a mark that stores set of objects: an ETag, a checksum or a version;
/// - an MD5 that was not taken is missed only if nothing else is confirmed: the sink takes none where a CRC-64/NVME
///   confirms;
/// - of several confirmations the strongest counts.
[<RequireQualifiedAccess>]
module Integrity =

    let private isAmazonsOwn (algorithm: string) =
        algorithm.Trim().Equals("AES256", StringComparison.OrdinalIgnoreCase)

    let private mayHaveOpaqueTag (terms: IntegrityTerms) (reply: Reply) =
        terms.HasOpaqueTags
        || reply.ServerSideEncryption |> Option.exists (isAmazonsOwn >> not)
        || reply.OtherEncryption.IsSome
        || reply.CustomerAlgorithm.IsSome

    /// The digests that the response reports. An ETag that need not be an MD5 is left out, unless it is ours.
    let private reportedBy (terms: IntegrityTerms) (reply: Reply) (sent: Sent) =
        let counts (tag: ReportedDigest) =
            not (mayHaveOpaqueTag terms reply)
            || sent.Digest DigestAlgorithm.Md5 = Some tag.Digest

        if terms.Mode.IsOff then
            []
        else
            ReportedDigest.ofChecksums reply
            @ (ReportedDigest.ofETag reply |> List.filter counts)

    let private isEqual (sent: Sent) (reported: ReportedDigest) =
        sent.Digest reported.Digest.Algorithm = Some reported.Digest

    let private isTaken (sent: Sent) (reported: ReportedDigest) =
        (sent.Digest reported.Digest.Algorithm).IsSome

    /// Returns the verdict on a success.
    [<CompiledName("Verdict")>]
    let verdict (terms: IntegrityTerms) (reply: Reply) (sent: Sent) : IntegrityVerdict =
        let equal, others = reportedBy terms reply sent |> List.partition (isEqual sent)
        let differing, notTaken = others |> List.partition (isTaken sent)

        let confirmations = [
            if terms.HasContentMd5 && reply.IsOfObject then
                Confirmation.ContentMd5

            for reported in equal do
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

    /// The first digest that the response reports of other bytes, and ours.
    let internal differing (terms: IntegrityTerms) (reply: Reply) : (ReportedDigest * Digest) option =
        reply.Sent
        |> Option.bind (fun sent ->
            reportedBy terms reply sent
            |> List.tryPick (fun reported ->
                sent.Digest reported.Digest.Algorithm
                |> Option.filter (fun own -> own <> reported.Digest)
                |> Option.map (fun own -> reported, own)))

    /// The checksums that a response reports and that equal ours, one of each algorithm, in the order of the algorithms.
    [<CompiledName("Confirmed")>]
    let confirmed (mode: IntegrityMode) (reply: Reply) (sent: Sent) : Digest list =
        if mode.IsOff then
            []
        else
            ReportedDigest.ofChecksums reply
            |> List.filter (isEqual sent)
            |> List.map _.Digest
            |> List.distinct
            |> List.sortBy _.Algorithm

    /// The algorithms of all checksums that a success reports: what the sink learns of the host.
    [<CompiledName("Reported")>]
    let reported (reply: Reply) : Set<DigestAlgorithm> =
        ReportedDigest.ofChecksums reply |> List.map _.Digest.Algorithm |> Set.ofList
