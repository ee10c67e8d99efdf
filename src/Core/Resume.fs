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
    /// The host and the port that each content was sent to; null where the receipt does not tell. A file that is written
    /// anew and exported again and again has many contents of one length.
    Contents: Dictionary<ReceiptedContent, string | null>
} with

    /// How many artifacts of different content or address.
    member this.Count = this.Contents.Count

/// Which artifacts a resumed push leaves out: those of which any receipt says that this cell exported this artifact
/// to this address, with as many bytes and the same SHA-256. A change of any of the five is exported again. A receipt
/// that is `unverified` counts only where the caller says so: a proxy or a portal may have answered in place of the store.
[<RequireQualifiedAccess>]
module Resume =

    let private keyOf cellId artifactName destination bytes = {
        CellId = cellId
        ArtifactName = artifactName
        Destination = destination
        Bytes = bytes
    }

    /// The host and the port of an object's URL; null for a text that is not a URL.
    let private hostOf (objectUrl: string) : string | null =
        match UrlAuthority.find objectUrl with
        | ValueSome { First = first; Stop = stop } ->
            objectUrl.Substring(first, stop - first).ToLowerInvariant()
        | ValueNone -> null

    /// What the receipts tell, those that are `unverified` only with `acceptUnverified`. They are gone through once, and
    /// not kept.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (acceptUnverified: bool) (receipts: Receipt seq) : Receipted =
        let keys = HashSet<ReceiptKey>()
        let contents = Dictionary<ReceiptedContent, string | null>()
        let hosts = Dictionary<string, string>(StringComparer.Ordinal)

        /// One text for each host, however many receipts name it.
        let shared (host: string) =
            match hosts.TryGetValue host with
            | true, known -> known
            | _ ->
                hosts.Add(host, host)
                host

        for receipt in receipts do
            if acceptUnverified || receipt.Integrity <> Confirmation.Unverified.Name then
                let key =
                    keyOf receipt.CellId receipt.ArtifactName receipt.Destination receipt.BytesWritten

                keys.Add key |> ignore

                let content = {
                    Key = key
                    Sha256 = receipt.Sha256.ToLowerInvariant()
                }

                contents[content] <-
                    match receipt.ObjectUrl |> Option.toObj with
                    | null -> null
                    | url ->
                        match hostOf url with
                        | null -> null
                        | host -> shared host

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
        receipted.Contents.ContainsKey {
            Key = keyOf cellId artifactName destination bytes
            Sha256 = sha256.ToLowerInvariant()
        }

    /// A sentence for the caller, where exactly this was sent to another host than the one that its URL names now. The
    /// logical address is the same, and the object may be in another store. `objectUrl` is the URL now, without its
    /// query.
    [<CompiledName("OtherHost")>]
    let otherHost
        (receipted: Receipted)
        (cellId: string)
        (artifactName: string)
        destination
        (bytes: int64)
        (sha256: string)
        (objectUrl: string)
        : string option =
        let content = {
            Key = keyOf cellId artifactName destination bytes
            Sha256 = sha256.ToLowerInvariant()
        }

        match receipted.Contents.TryGetValue content, hostOf objectUrl with
        | (true, NonNull before), NonNull now when before <> now ->
            Some
                $"receipts say that it was sent to {Check.quote before}, and the URL is for {Check.quote now} now; it is not sent again. To send it again, give a receipts file of its own"
        | _ -> None
