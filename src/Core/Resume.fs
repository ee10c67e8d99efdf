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

/// What has been exported already, as receipts tell.
type Receipted = private {
    Digests: Dictionary<ReceiptKey, string list>
} with

    /// How many artifacts of different content or address.
    member this.Count = this.Digests.Values |> Seq.sumBy _.Length

/// Which artifacts a resumed push leaves out: those of which any receipt says that this cell exported this artifact
/// to this address, with as many bytes and the same SHA-256. A change of any of the five is exported again.
[<RequireQualifiedAccess>]
module Resume =

    /// What the receipts tell. They are gone through once, and not kept.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (receipts: Receipt seq) : Receipted =
        let digests = Dictionary<ReceiptKey, string list>()

        for receipt in receipts do
            let key = {
                CellId = receipt.CellId
                ArtifactName = receipt.ArtifactName
                Destination = receipt.Destination
                Bytes = receipt.BytesWritten
            }

            let sha256 = receipt.Sha256.ToLowerInvariant()

            match digests.TryGetValue key with
            | true, known when List.contains sha256 known -> ()
            | true, known -> digests[key] <- sha256 :: known
            | _ -> digests[key] <- [ sha256 ]

        { Digests = digests }

    let private known receipted cellId artifactName destination bytes =
        let key = {
            CellId = cellId
            ArtifactName = artifactName
            Destination = destination
            Bytes = bytes
        }

        match receipted.Digests.TryGetValue key with
        | true, digests -> digests
        | _ -> []

    /// Whether a receipt fits but for the SHA-256, so that it is worth taking.
    [<CompiledName("MayBeDone")>]
    let mayBeDone (receipted: Receipted) (cellId: string) (artifactName: string) destination (bytes: int64) =
        not (known receipted cellId artifactName destination bytes).IsEmpty

    /// Whether there is a receipt of exactly this. `sha256` is 64 hexadecimal digits, in any case.
    [<CompiledName("IsDone")>]
    let isDone
        (receipted: Receipted)
        (cellId: string)
        (artifactName: string)
        destination
        (bytes: int64)
        sha256
        =
        known receipted cellId artifactName destination bytes
        |> List.exists (fun digest -> String.Equals(digest, sha256, StringComparison.OrdinalIgnoreCase))
