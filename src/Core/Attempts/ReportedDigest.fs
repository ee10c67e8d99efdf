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
/// Rules that this module keeps, besides those of `ChecksumHeader`:
/// - with `x-amz-checksum-type: COMPOSITE`, and no other type beside it, the checksums are of an upload in parts, and report
///   nothing about one PUT;
/// - an ETag of 32 hexadecimal digits is an MD5, quoted or not, weak or not, and with the mark of a compression behind it;
/// - of several ETags, each is read, so that it is compared; none of them confirms.
[<RequireQualifiedAccess>]
module ReportedDigest =

    /// The name in `Header` of an MD5 that is an ETag.
    [<Literal>]
    let ETag = "ETag"

    let private isCompositeType (reply: Reply) =
        match reply.ChecksumType with
        | Some kind -> kind.Trim().Equals("COMPOSITE", StringComparison.OrdinalIgnoreCase)
        | None -> false

    /// The digests that the checksum headers of a response report, in the order of the headers.
    [<CompiledName("OfChecksums")>]
    let ofChecksums (reply: Reply) : ReportedDigest list =
        let isComposite = isCompositeType reply

        [
            for checksum in reply.Checksums do
                if
                    not (
                        isComposite
                        && checksum.Header.StartsWith("x-amz-checksum-", StringComparison.Ordinal)
                    )
                then
                    for digest in ChecksumHeader.parse checksum do
                        {
                            Header = checksum.Header
                            Digest = digest
                        }
        ]

    /// The MD5s that the ETag of a response reports: one at most, unless the response has several ETags.
    [<CompiledName("OfETag")>]
    let ofETag (reply: Reply) : ReportedDigest list =
        match reply.ETag with
        | None -> []
        | Some field -> [
            for tag in EntityTags.split field do
                match Digest.tryParseHex DigestAlgorithm.Md5 (EntityTags.bare tag) with
                | Some digest -> { Header = ETag; Digest = digest }
                | None -> ()
          ]
