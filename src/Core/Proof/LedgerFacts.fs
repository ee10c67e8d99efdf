namespace CellOS.Export.S3.Core

/// A file of a bundle.
[<Sealed>]
type internal BundleFact() =
    member val Length = -1L with get, set
    /// Null before the file was read.
    member val Sha256: byte[] | null = null with get, set
    member val IsUnreadable = false with get, set
    /// True if a receipt is for it.
    member val IsClaimed = false with get, set

/// A receipt by its object, its time and its place among all receipts.
[<Struct; NoEquality; NoComparison>]
type internal LedgerEntry = {
    Object: Fingerprint
    At: int64
    Place: int64
    /// Of a sealed receipt, a part of the fingerprint of its content, which is not 0; 0 of any other.
    SealedContent: int64
}
