namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// What shows that an object is the one that its receipt names.
[<RequireQualifiedAccess>]
type internal ReceiptTrust =
    /// The URL was compared with the destination.
    | Destination
    /// Only the URL: the receipt counts while the artifact's URL is for the same object.
    | SameUrl
    /// Nothing: the URL is for another object than the destination, or the store confirmed too little.
    | Nothing

/// The last upload to an object that receipts report.
[<Sealed>]
type internal ReceiptedUpload(receipt: Receipt, trust: ReceiptTrust, place: string, identity: string | null) =
    member val TargetName = receipt.TargetName |> Option.defaultValue ""
    member val CellId = receipt.CellId
    member val ArtifactName = receipt.ArtifactName
    member val Bytes = receipt.BytesWritten
    member val Sha256 = receipt.Sha256.ToLowerInvariant()
    /// Null where the receipt does not contain it.
    member val ObjectUrl = Option.toObj receipt.ObjectUrl
    member _.Trust = trust
    /// The store and the account, and what precedes the bucket; empty if unknown.
    member _.Place = place
    /// The object that the URL addresses; null if unknown.
    member _.Identity = identity
    /// True if a later upload to the object may have changed it.
    member val IsUncertain = false with get, set

/// What has been exported already, as the lines of a receipts file report.
type Receipted = private {
    /// The last upload to each destination; several where the URLs are for several places.
    ByDestination: Dictionary<string, ReceiptedUpload list>
    /// The last upload to each object that a URL addresses.
    ByObject: Dictionary<string, ReceiptedUpload>
} with

    /// The number of uploads whose receipts count.
    member this.Count =
        this.ByDestination.Values
        |> Seq.sumBy (List.filter (fun upload -> upload.Trust <> ReceiptTrust.Nothing) >> List.length)

/// Which artifacts a resumed push leaves out.
///
/// Rules that this module keeps:
/// - the last receipt of an object counts: this target exported this artifact of this cell to this address, with as many
///   bytes and the same SHA-256. An object is the same by its destination, unless the URLs are for different places, and by
///   its URL. An object that was overwritten meanwhile is exported again;
/// - a later receipt for the same destination with another SHA-256 makes the earlier one not count, whatever the places of
///   their URLs: two host names may be one store;
/// - a receipt does not count if a later upload to the object started, and neither a receipt nor the line that nothing was
///   stored follows;
/// - a receipt counts whose `integrity` is a confirmation that this library knows; an `unverified` one only where the caller
///   says so, since a proxy or a portal may have answered in place of the store;
/// - a receipt whose destination was not compared counts only if the URL now is for the same object, and addresses it by its
///   path;
/// - a receipt whose URL is for another object than its destination does not count.
[<RequireQualifiedAccess>]
module Resume =

    let private isConfirmed (integrity: string) =
        Confirmation.all
        |> List.exists (fun known -> known <> Confirmation.Unverified && known.Name = integrity)

    /// Bucket and key of `s3://bucket/key`; empty texts for another text.
    let private split (destination: string) : struct (string * string) =
        let start = "s3://"

        if destination.StartsWith(start, StringComparison.Ordinal) then
            match destination.IndexOf('/', start.Length) with
            | -1 -> struct ("", "")
            | i ->
                struct (destination.Substring(start.Length, i - start.Length), destination.Substring(i + 1))
        else
            struct ("", "")

    /// Scheme, host and port of an object's URL, without user info, and what precedes the key in its path, without escapes.
    let private placeOf (destination: string) (objectUrl: string) : (string * string) option =
        match UrlAuthority.find objectUrl with
        | ValueNone -> None
        | ValueSome { First = first; Stop = stop } ->
            let struct (bucket, key) = split destination
            let authority = objectUrl.Substring(first, stop - first).ToLowerInvariant()
            let host = authority.Substring(authority.LastIndexOf '@' + 1)
            let scheme = objectUrl.Substring(0, first).ToLowerInvariant()
            let path = Uri.UnescapeDataString(objectUrl.Substring stop)

            let before =
                if key <> "" && path.EndsWith("/" + key, StringComparison.Ordinal) then
                    path.Substring(0, path.Length - key.Length)
                else
                    path

            // One bucket, in the host or in the path.
            if
                before = "/"
                && host.StartsWith(bucket + ".", StringComparison.OrdinalIgnoreCase)
            then
                Some(scheme + host.Substring(bucket.Length + 1), $"/{bucket}/")
            else
                Some(scheme + host, before)

    let private placeText (destination: string) (objectUrl: string | null) : string =
        match objectUrl with
        | null -> ""
        | url ->
            match placeOf destination url with
            | Some(origin, before) -> origin + before
            | None -> ""

    let private bucketOf (destination: string) : string =
        let struct (bucket, _) = split destination
        bucket

    let private identityOf (destination: string) (objectUrl: string | null) : string | null =
        match objectUrl with
        | null -> null
        | url ->
            match RequestUrl.parse url with
            | Ok url -> ObjectAddress.identityByPath (bucketOf destination) url
            | Error _ -> null

    let private trustOf (receipt: Receipt) : ReceiptTrust =
        let struct (bucket, key) = split receipt.Destination

        let url =
            receipt.ObjectUrl
            |> Option.bind (fun url -> RequestUrl.parse url |> Result.toOption)

        let address = url |> Option.map (ObjectAddress.compare bucket key)

        if not receipt.DestinationChecked then
            if address.IsSome then ReceiptTrust.SameUrl else ReceiptTrust.Nothing
        else
            match address with
            | None
            | Some AddressCheck.Same -> ReceiptTrust.Destination
            | Some AddressCheck.Unknown -> ReceiptTrust.SameUrl
            | Some(AddressCheck.OtherBucket _ | AddressCheck.OtherKey _) -> ReceiptTrust.Nothing

    let private uploadsTo (receipted: Receipted) (destination: string) =
        match receipted.ByDestination.TryGetValue destination with
        | true, uploads -> uploads
        | _ -> []

    let private isOf (targetName: string) (cellId: string) (artifactName: string) (upload: ReceiptedUpload) =
        upload.TargetName = targetName
        && upload.CellId = cellId
        && upload.ArtifactName = artifactName

    /// The uploads whose object another upload to the destination, or to the URL, overwrites.
    let private overwritten (receipted: Receipted) targetName cellId artifactName destination objectUrl =
        let place = placeText destination objectUrl

        let byDestination =
            uploadsTo receipted destination
            |> List.filter (fun upload ->
                upload.Place = ""
                || place = ""
                || upload.Place = place
                || isOf targetName cellId artifactName upload)

        match identityOf destination objectUrl with
        | null -> byDestination
        | identity ->
            match receipted.ByObject.TryGetValue identity with
            | true, upload when not (List.contains upload byDestination) -> upload :: byDestination
            | _ -> byDestination

    let private add (acceptUnverified: bool) (receipted: Receipted) (receipt: Receipt) =
        let counts =
            receipt.TargetKind = Receipt.TargetKind
            && (isConfirmed receipt.Integrity
                || acceptUnverified && receipt.Integrity = Confirmation.Unverified.Name)

        let url = Option.toObj receipt.ObjectUrl
        let identity = identityOf receipt.Destination url

        let upload =
            ReceiptedUpload(
                receipt,
                (if counts then trustOf receipt else ReceiptTrust.Nothing),
                placeText receipt.Destination url,
                identity
            )

        let gone =
            overwritten
                receipted
                upload.TargetName
                receipt.CellId
                receipt.ArtifactName
                receipt.Destination
                url

        // Several places may be one store. Other content at one address may have overwritten what was there.
        let isGone (earlier: ReceiptedUpload) =
            earlier.Sha256 <> upload.Sha256 || List.contains earlier gone

        receipted.ByDestination[receipt.Destination] <-
            upload
            :: (uploadsTo receipted receipt.Destination |> List.filter (isGone >> not))

        match identity with
        | null -> ()
        | identity -> receipted.ByObject[identity] <- upload

    let private apply (receipted: Receipted) (mark: UploadMark) =
        let changed =
            overwritten
                receipted
                mark.TargetName
                mark.CellId
                mark.ArtifactName
                mark.Destination
                (Option.toObj mark.ObjectUrl)

        for upload in changed do
            upload.IsUncertain <- mark.State = UploadState.Started

    /// Reads the lines of a receipts file once, and does not keep them. Receipts that are `unverified` count only with
    /// `acceptUnverified`.
    [<CompiledName("OfLines")>]
    let ofLines (acceptUnverified: bool) (lines: LogLine seq) : Receipted =
        let receipted = {
            ByDestination = Dictionary()
            ByObject = Dictionary()
        }

        for line in lines do
            match line with
            | LogLine.Receipt receipt -> add acceptUnverified receipted receipt
            | LogLine.Upload mark -> apply receipted mark
            | LogLine.NoReceipt _ -> ()

        receipted

    /// Reads receipts, as `ofLines`.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (acceptUnverified: bool) (receipts: Receipt seq) : Receipted =
        receipts |> Seq.map LogLine.Receipt |> ofLines acceptUnverified

    /// The upload of an artifact, if its receipt counts.
    let private find
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        : ReceiptedUpload option =
        let isLast (upload: ReceiptedUpload) =
            match upload.Identity with
            | null -> true
            | identity -> obj.ReferenceEquals(receipted.ByObject[identity], upload)

        uploadsTo receipted destination
        |> List.tryFind (isOf targetName cellId artifactName)
        |> Option.filter (fun upload ->
            upload.Trust <> ReceiptTrust.Nothing && not upload.IsUncertain && isLast upload)

    /// True if a receipt fits but for the SHA-256, so that it is worth taking.
    [<CompiledName("MayBeDone")>]
    let mayBeDone (receipted: Receipted) targetName cellId artifactName destination (bytes: int64) =
        match find receipted targetName cellId artifactName destination with
        | Some upload -> upload.Bytes = bytes
        | None -> false

    /// True if there is a receipt of exactly this. `sha256` is 64 hexadecimal digits, in any case; `url` is the URL now;
    /// `None` where it is not known. A target without a name has an empty one.
    [<CompiledName("IsDone")>]
    let isDone
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (bytes: int64)
        (sha256: string)
        (url: RequestUrl option)
        =
        let isSameObject (upload: ReceiptedUpload) =
            match url with
            | Some url ->
                (RequestUrl.isPresigned url || RequestUrl.revealQuery url = "")
                && upload.Identity = ObjectAddress.identityByPath (bucketOf destination) url
            | None -> false

        match find receipted targetName cellId artifactName destination with
        | None -> false
        | Some upload ->
            upload.Bytes = bytes
            && upload.Sha256 = sha256.ToLowerInvariant()
            && (upload.Trust = ReceiptTrust.Destination || isSameObject upload)

    /// The line to write before an upload, if it may overwrite an object that receipts report; `IsReversible` is true if the
    /// receipts count again once it is known that nothing was stored.
    [<CompiledName("StartOf")>]
    let startOf
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (url: RequestUrl option)
        (now: DateTimeOffset)
        : struct (UploadMark option * bool) =
        let objectUrl = url |> Option.map RequestUrl.withoutQuery

        let uploads =
            overwritten receipted targetName cellId artifactName destination (Option.toObj objectUrl)

        if uploads |> List.forall _.IsUncertain then
            struct (None, false)
        else
            let mark = {
                State = UploadState.Started
                TargetName = targetName
                Destination = destination
                CellId = cellId
                ArtifactName = artifactName
                ObjectUrl = objectUrl
                At = now
            }

            struct (Some mark, uploads |> List.forall (fun upload -> not upload.IsUncertain))

    /// A sentence for the caller, where this was sent to another place (scheme, host, port, or what precedes the key in the
    /// path: an account) than the one that its URL names now, without a full stop. The logical address is the same, and the
    /// object may be in another store. `objectUrl` is the URL now, without its query.
    [<CompiledName("OtherPlace")>]
    let otherPlace
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (objectUrl: string)
        : string option =
        let upload =
            uploadsTo receipted destination
            |> List.tryFind (isOf targetName cellId artifactName)

        match upload with
        | None -> None
        | Some upload ->
            match
                upload.ObjectUrl |> Option.ofObj |> Option.bind (placeOf destination),
                placeOf destination objectUrl
            with
            | Some(before, beforePath), Some(now, nowPath) when (before, beforePath) <> (now, nowPath) ->
                let shown (origin: string) (path: string) =
                    Check.quote (if before = now then Redaction.url (origin + path) else origin)

                Some
                    $"receipts say that it was sent to {shown before beforePath}, and the URL is for {shown now nowPath} now; it is not sent again. To send it again, give a receipts file of its own"
            | _ -> None
