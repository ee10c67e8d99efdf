namespace CellOS.Export.S3.Core

open System

/// Which artifacts a resumed push leaves out.
///
/// Rules that this module keeps:
/// - the last receipt of an object counts, which is the last by the order of the lines and by the times: this target exported
///   this artifact of this cell to this address, with as many bytes and the same SHA-256. An object is the same by its
///   destination, unless the URLs are for different places, and by its URL. An object that was overwritten meanwhile is
///   exported again;
/// - a later receipt for the same destination with another SHA-256 makes the earlier one not count, whatever the places of
///   their URLs: two host names may be one store. Where the order of the lines and the times do not agree on which is later,
///   as in files that were sorted or put together, neither counts;
/// - a receipt does not count if a later upload to the destination or the URL started, later by the order of the lines or by
///   the times, and neither its receipt nor the line that nothing was stored follows;
/// - a damaged line may be a later receipt: no earlier receipt of its object counts, and no earlier receipt at all where its
///   object is unknown. Of several files, each line of another file may be an earlier one;
/// - a receipt counts whose `integrity` is a confirmation that this library knows; an `unverified` one only where the caller
///   says so, since a proxy or a portal may have answered in place of the store;
/// - a receipt whose destination was not compared counts only if the URL now is for the same object, and addresses it by its
///   path;
/// - a receipt whose URL is for another object than its destination does not count.
[<RequireQualifiedAccess>]
module Resume =

    let private read (acceptUnverified: bool) (receipted: Receipted) (line: LogLine) =
        match line with
        | LogLine.Receipt receipt -> ReceiptedUploads.add acceptUnverified receipted receipt
        | LogLine.Upload mark -> ReceiptedUploads.apply receipted mark
        | LogLine.Damaged(_, object) -> ReceiptedUploads.damage receipted object
        | LogLine.NoReceipt _ -> ()

    /// Reads the lines of receipts files once, file by file, and does not keep them. The last file is the one that is written.
    /// Receipts that are `unverified` count only with `acceptUnverified`.
    [<CompiledName("OfFiles")>]
    let ofFiles (acceptUnverified: bool) (files: LogLine seq seq) : Receipted =
        let receipted = ReceiptedUploads.empty ()
        let damaged = ResizeArray()
        let mutable ofOthers = 0

        for file in files do
            ofOthers <- damaged.Count

            for line in file do
                read acceptUnverified receipted line

                match line with
                | LogLine.Damaged(_, object) -> damaged.Add object
                | _ -> ()

        // A damaged line has no time: it may be later than the lines of the files that were read after it.
        for object in Seq.truncate ofOthers damaged do
            ReceiptedUploads.damage receipted object

        receipted

    /// Reads the lines of a receipts file, as `ofFiles`.
    [<CompiledName("OfLines")>]
    let ofLines (acceptUnverified: bool) (lines: LogLine seq) : Receipted = ofFiles acceptUnverified [ lines ]

    /// Adds a receipt of this run, so that a later upload of the run to the same destination takes it back.
    [<CompiledName("Add")>]
    let record (receipted: Receipted) (receipt: Receipt) : unit =
        ReceiptedUploads.add true receipted receipt

    /// Reads receipts, as `ofLines`.
    [<CompiledName("OfReceipts")>]
    let ofReceipts (acceptUnverified: bool) (receipts: Receipt seq) : Receipted =
        receipts |> Seq.map LogLine.Receipt |> ofLines acceptUnverified

    /// The last upload of an artifact, whether its receipt counts or not.
    let private lastOf (receipted: Receipted) targetName cellId artifactName destination =
        ReceiptedUploads.uploadsTo receipted destination
        |> List.tryFind (ReceiptedUploads.isOf targetName cellId artifactName)

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

        lastOf receipted targetName cellId artifactName destination
        |> Option.filter (fun upload ->
            upload.Trust <> ReceiptTrust.Nothing
            && not upload.IsContested
            && upload.Damaged = receipted.Damaged
            && upload.Doubts.IsEmpty
            && isLast upload)

    /// True if the receipt of an artifact counts, and is of other content: by its length, or by the SHA-256 where that is known.
    [<CompiledName("IsChanged")>]
    let isChanged
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (bytes: int64)
        (sha256: string option)
        : bool =
        match find receipted targetName cellId artifactName destination with
        | Some upload ->
            upload.Bytes <> bytes
            || sha256
               |> Option.exists (fun sha256 -> upload.Sha256 <> sha256.ToLowerInvariant())
        | None -> false

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
                && upload.Identity = ObjectAddress.identityByPath (ReceiptedUploads.bucketOf destination) url
            | None -> false

        match find receipted targetName cellId artifactName destination with
        | None -> false
        | Some upload ->
            upload.Bytes = bytes
            && upload.Sha256 = sha256.ToLowerInvariant()
            && (upload.Trust = ReceiptTrust.Destination || isSameObject upload)

    /// The line to write before an upload, if it may overwrite an object that receipts report.
    [<CompiledName("StartOf")>]
    let startOf
        (receipted: Receipted)
        targetName
        cellId
        artifactName
        destination
        (url: RequestUrl option)
        (now: DateTimeOffset)
        : UploadMark option =
        let objectUrl = url |> Option.map (RequestUrl.addressOf destination)
        let identity = ReceiptedUploads.identityOf destination (Option.toObj objectUrl)

        let isMarked (upload: ReceiptedUpload) =
            upload.Doubts
            |> List.exists (fun mark ->
                ReceiptedUploads.isSameUpload mark targetName cellId artifactName destination
                && mark.ObjectUrl = objectUrl)

        if
            ReceiptedUploads.overwritten receipted destination identity
            |> List.forall isMarked
        then
            None
        else
            Some {
                State = UploadState.Started
                TargetName = targetName
                Destination = destination
                CellId = cellId
                ArtifactName = artifactName
                ObjectUrl = objectUrl
                At = now
            }

    /// The receipted upload of another artifact, or of another cell, to the object that this artifact is about to be written
    /// to; `None` if there is none. Where the URL has a query and no signature, a gateway may address by the query, and only
    /// the destination is compared.
    let private others (receipted: Receipted) cellId artifactName destination (url: RequestUrl option) =
        let identity: string | null =
            match url with
            | Some url when RequestUrl.isPresigned url || RequestUrl.revealQuery url = "" ->
                ObjectAddress.identityByPath (ReceiptedUploads.bucketOf destination) url
            | _ -> null

        ReceiptedUploads.overwritten receipted destination identity
        |> List.tryFind (fun upload -> upload.CellId <> cellId || upload.ArtifactName <> artifactName)

    /// A sentence for the caller, without a full stop, where the upload of an artifact overwrites the object of another
    /// artifact, or of another cell, that a receipt reports.
    [<CompiledName("Overwrites")>]
    let overwrites
        (receipted: Receipted)
        cellId
        artifactName
        destination
        (url: RequestUrl option)
        : string option =
        others receipted cellId artifactName destination url
        |> Option.map (fun upload ->
            let place =
                match url with
                | Some url -> RequestUrl.withoutQuery url
                | None -> destination

            $"a receipt says that {Check.quote upload.ArtifactName} of the cell {Check.quote upload.CellId} is stored at {Check.quote place}, and this artifact overwrites it. Give each cell and each artifact a URL of its own, for example with {UrlTemplate.CellIdPlaceholder} and {UrlTemplate.ArtifactNamePlaceholder}")

    /// The place of an object for display: scheme, host and port, and what precedes the key in the path. Empty if the URL does
    /// not show it.
    [<CompiledName("PlaceOf")>]
    let shownPlace (destination: string) (objectUrl: string | null) : string =
        match ReceiptedUploads.placeText destination objectUrl with
        | "" -> ""
        | place -> Redaction.url place

    /// The place that the receipt of an artifact names, as `PlaceOf`; empty without one.
    [<CompiledName("ReceiptedPlace")>]
    let receiptedPlace (receipted: Receipted) targetName cellId artifactName destination : string =
        match lastOf receipted targetName cellId artifactName destination with
        | Some upload -> shownPlace destination upload.ObjectUrl
        | None -> ""

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
        match lastOf receipted targetName cellId artifactName destination with
        | None -> None
        | Some upload ->
            match
                upload.ObjectUrl
                |> Option.ofObj
                |> Option.bind (ReceiptedUploads.placeOf destination),
                ReceiptedUploads.placeOf destination objectUrl
            with
            | Some(before, beforePath), Some(now, nowPath) when (before, beforePath) <> (now, nowPath) ->
                let shown (origin: string) (path: string) =
                    Check.quote (if before = now then Redaction.url (origin + path) else origin)

                Some
                    $"receipts say that it was sent to {shown before beforePath}, and the URL is for {shown now nowPath} now; it is not sent again. To send it again, give a receipts file of its own"
            | _ -> None
