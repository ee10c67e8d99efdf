namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// What a receipt and a file must share before the file's content is looked at.
[<Struct>]
type internal ReceiptKey = {
    CellId: string
    ArtifactName: string
    Destination: string
    Bytes: int64
}

[<Struct>]
type internal ReceiptedContent = { Key: ReceiptKey; Sha256: string }

/// What has been exported already, as receipts tell.
type Receipted = private {
    Keys: HashSet<ReceiptKey>
    /// A file that is written anew and exported again and again has many contents of one length.
    Contents: HashSet<ReceiptedContent>
} with

    /// How many artifacts of different content or address.
    member this.Count = this.Contents.Count

/// Which artifacts a resumed push leaves out: those of which any receipt says that this cell exported this artifact
/// to this address, with as many bytes and the same SHA-256. A change of any of the five is exported again.
[<RequireQualifiedAccess>]
module Resume =

    let private keyOf cellId artifactName destination bytes = {
        CellId = cellId
        ArtifactName = artifactName
        Destination = destination
        Bytes = bytes
    }

    /// What the receipts tell. They are gone through once, and not kept.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (receipts: Receipt seq) : Receipted =
        let keys = HashSet<ReceiptKey>()
        let contents = HashSet<ReceiptedContent>()

        for receipt in receipts do
            let key =
                keyOf receipt.CellId receipt.ArtifactName receipt.Destination receipt.BytesWritten

            keys.Add key |> ignore

            contents.Add {
                Key = key
                Sha256 = receipt.Sha256.ToLowerInvariant()
            }
            |> ignore

        { Keys = keys; Contents = contents }

    /// Whether a receipt fits but for the SHA-256, so that it is worth taking.
    [<CompiledName("MayBeDone")>]
    let mayBeDone (receipted: Receipted) (cellId: string) (artifactName: string) destination (bytes: int64) =
        receipted.Keys.Contains(keyOf cellId artifactName destination bytes)

    /// Whether there is a receipt of exactly this. `sha256` is 64 hexadecimal digits, in any case.
    [<CompiledName("IsDone")>]
    let isDone
        (receipted: Receipted)
        (cellId: string)
        (artifactName: string)
        destination
        (bytes: int64)
        (sha256: string)
        =
        receipted.Contents.Contains {
            Key = keyOf cellId artifactName destination bytes
            Sha256 = sha256.ToLowerInvariant()
        }
