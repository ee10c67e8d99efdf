namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// An object that a target's receipts are about.
[<Struct>]
type internal ReceiptedObject = {
    TargetName: string
    CellId: string
    ArtifactName: string
    Destination: string
}

/// The content that the last receipt of an object says, and where it was sent.
[<Struct>]
type internal ReceiptedContent = {
    Bytes: int64
    Sha256: string
    /// Null where the receipt does not tell.
    ObjectUrl: string | null
    DestinationChecked: bool
}

/// What has been exported already, as receipts tell.
type Receipted = private {
    Objects: Dictionary<ReceiptedObject, ReceiptedContent>
} with

    /// The number of objects.
    member this.Count = this.Objects.Count

/// Which artifacts a resumed push leaves out.
///
/// Rules that this module keeps:
/// - the last receipt of an object counts: this target exported this artifact of this cell to this address, with as many
///   bytes and the same SHA-256. An object that was overwritten meanwhile is exported again;
/// - a receipt counts whose `integrity` is a confirmation that this library knows; an `unverified` one only where the caller
///   says so, since a proxy or a portal may have answered in place of the store;
/// - a receipt whose destination was not compared counts only if the URL now is the one that it names.
[<RequireQualifiedAccess>]
module Resume =

    let private isConfirmed (integrity: string) =
        Confirmation.all
        |> List.exists (fun known -> known <> Confirmation.Unverified && known.Name = integrity)

    let private objectOf (targetName: string) cellId artifactName destination = {
        TargetName = targetName
        CellId = cellId
        ArtifactName = artifactName
        Destination = destination
    }

    /// Scheme, host and port of an object's URL; null for a text that is not a URL.
    let private placeOf (objectUrl: string) : string | null =
        match UrlAuthority.find objectUrl with
        | ValueSome { Stop = stop } ->
            let place = objectUrl.Substring(0, stop).ToLowerInvariant()

            match place.LastIndexOf '@' with
            | -1 -> place
            | i -> place.Substring(i + 1)
        | ValueNone -> null

    /// What the receipts tell, those that are `unverified` only with `acceptUnverified`. They are gone through once, and
    /// not kept.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (acceptUnverified: bool) (receipts: Receipt seq) : Receipted =
        let objects = Dictionary<ReceiptedObject, ReceiptedContent>()

        for receipt in receipts do
            let key =
                objectOf
                    (receipt.TargetName |> Option.defaultValue "")
                    receipt.CellId
                    receipt.ArtifactName
                    receipt.Destination

            if
                receipt.TargetKind = Receipt.TargetKind
                && (isConfirmed receipt.Integrity
                    || acceptUnverified && receipt.Integrity = Confirmation.Unverified.Name)
            then
                objects[key] <- {
                    Bytes = receipt.BytesWritten
                    Sha256 = receipt.Sha256.ToLowerInvariant()
                    ObjectUrl = Option.toObj receipt.ObjectUrl
                    DestinationChecked = receipt.DestinationChecked
                }
            else
                // It may have overwritten what an earlier one says.
                objects.Remove key |> ignore

        { Objects = objects }

    let private find (receipted: Receipted) targetName cellId artifactName destination =
        match receipted.Objects.TryGetValue(objectOf targetName cellId artifactName destination) with
        | true, content -> ValueSome content
        | _ -> ValueNone

    /// True if a receipt fits but for the SHA-256, so that it is worth taking.
    [<CompiledName("MayBeDone")>]
    let mayBeDone (receipted: Receipted) targetName cellId artifactName destination (bytes: int64) =
        match find receipted targetName cellId artifactName destination with
        | ValueSome content -> content.Bytes = bytes
        | ValueNone -> false

    /// True if there is a receipt of exactly this. `sha256` is 64 hexadecimal digits, in any case; `objectUrl` is the URL
    /// now, without its query; null where it is not known. A target without a name has an empty one.
    [<CompiledName("IsDone")>]
    let isDone
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (bytes: int64)
        (sha256: string)
        (objectUrl: string | null)
        =
        match find receipted targetName cellId artifactName destination with
        | ValueSome content ->
            content.Bytes = bytes
            && content.Sha256 = sha256.ToLowerInvariant()
            && (content.DestinationChecked
                || not (isNull content.ObjectUrl)
                   && String.Equals(objectUrl, content.ObjectUrl, StringComparison.Ordinal))
        | ValueNone -> false

    /// A sentence for the caller, where this was sent to another place (scheme, host, port) than the one that its URL names
    /// now, without a full stop. The logical address is the same, and the object may be in another store. `objectUrl` is the
    /// URL now, without its query.
    [<CompiledName("OtherHost")>]
    let otherHost
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (objectUrl: string)
        : string option =
        match find receipted targetName cellId artifactName destination with
        | ValueNone -> None
        | ValueSome content ->
            match content.ObjectUrl, placeOf objectUrl with
            | NonNull url, NonNull now when
                (match placeOf url with
                 | null -> false
                 | before -> before <> now)
                ->
                Some
                    $"receipts say that it was sent to {Check.quote (nonNull (placeOf url))}, and the URL is for {Check.quote now} now; it is not sent again. To send it again, give a receipts file of its own"
            | _ -> None
