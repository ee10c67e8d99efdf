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
    /// When the upload ended.
    member val At = struct (receipt.CompletedAt, receipt.StartedAt)
    /// The latest end of all uploads that this one took the place of, and of this one.
    member val LatestAt = struct (receipt.CompletedAt, receipt.StartedAt) with get, set
    /// True if it is unknown which upload to the object was the last: the order of the lines and the times disagree.
    member val IsContested = false with get, set
    /// Later uploads that may have changed the object, and whose ends are unknown.
    member val Doubts: UploadMark list = [] with get, set
    /// The number of damaged lines before it, each of which may be a later receipt of any object.
    member val Damaged = 0L with get, set

/// What has been exported already, as the lines of a receipts file report.
type Receipted = internal {
    /// The last upload to each destination; several where the URLs are for several places.
    ByDestination: Dictionary<string, ReceiptedUpload list>
    /// The last upload to each object that a URL addresses.
    ByObject: Dictionary<string, ReceiptedUpload>
    /// The uploads whose ends are unknown, by destination and by the object of the URL.
    Open: Dictionary<string, UploadMark list>
    /// The number of damaged lines whose objects are unknown.
    mutable Damaged: int64
} with

    /// The number of uploads whose receipts count.
    member this.Count =
        this.ByDestination.Values
        |> Seq.sumBy (List.filter (fun upload -> upload.Trust <> ReceiptTrust.Nothing) >> List.length)

/// Keeps the last uploads to objects, line by line of a receipts file.
[<RequireQualifiedAccess>]
module internal ReceiptedUploads =

    let empty () : Receipted = {
        ByDestination = Dictionary()
        ByObject = Dictionary()
        Open = Dictionary()
        Damaged = 0L
    }

    /// True if the word says that the store confirmed what it stored, in a way that this library knows.
    let isConfirmed (integrity: string) =
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
    let placeOf (destination: string) (objectUrl: string) : (string * string) option =
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

    let placeText (destination: string) (objectUrl: string | null) : string =
        match objectUrl with
        | null -> ""
        | url ->
            match placeOf destination url with
            | Some(origin, before) -> origin + before
            | None -> ""

    let bucketOf (destination: string) : string =
        let struct (bucket, _) = split destination
        bucket

    let identityOf (destination: string) (objectUrl: string | null) : string | null =
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

    let uploadsTo (receipted: Receipted) (destination: string) =
        match receipted.ByDestination.TryGetValue destination with
        | true, uploads -> uploads
        | _ -> []

    let isOf (targetName: string) (cellId: string) (artifactName: string) (upload: ReceiptedUpload) =
        upload.TargetName = targetName
        && upload.CellId = cellId
        && upload.ArtifactName = artifactName

    /// The uploads to the destination, through whatever host, and to the object of the URL.
    let overwritten (receipted: Receipted) destination (identity: string | null) =
        let byDestination = uploadsTo receipted destination

        match identity with
        | null -> byDestination
        | identity ->
            match receipted.ByObject.TryGetValue identity with
            | true, upload when not (List.contains upload byDestination) -> upload :: byDestination
            | _ -> byDestination

    let private openMarks (receipted: Receipted) (key: string | null) =
        match key with
        | null -> []
        | key ->
            match receipted.Open.TryGetValue key with
            | true, marks -> marks
            | _ -> []

    let private markIdentity (mark: UploadMark) =
        identityOf mark.Destination (Option.toObj mark.ObjectUrl)

    /// The texts that an upload is found by: its destination, and the object of its URL.
    let private keysOf (mark: UploadMark) : string list =
        mark.Destination :: Option.toList (Option.ofObj (markIdentity mark))
        |> List.distinct

    let isSameUpload (mark: UploadMark) targetName cellId artifactName destination =
        mark.TargetName = targetName
        && mark.CellId = cellId
        && mark.ArtifactName = artifactName
        && mark.Destination = destination

    /// Forgets one upload whose end is known: another one may have an equal mark.
    let private close (receipted: Receipted) (mark: UploadMark) =
        let identity = markIdentity mark
        let isOther (other: UploadMark) = not (obj.ReferenceEquals(other, mark))

        for key in keysOf mark do
            match openMarks receipted key |> List.filter isOther with
            | [] -> receipted.Open.Remove key |> ignore
            | rest -> receipted.Open[key] <- rest

        for upload in overwritten receipted mark.Destination identity do
            upload.Doubts <- upload.Doubts |> List.filter isOther

    let add (acceptUnverified: bool) (receipted: Receipted) (receipt: Receipt) =
        let counts =
            TargetKind.isName receipt.TargetKind
            && (isConfirmed receipt.Integrity
                || acceptUnverified && receipt.Integrity = Confirmation.Unverified.Name)

        let url = Option.toObj receipt.ObjectUrl
        let identity = identityOf receipt.Destination url
        let place = placeText receipt.Destination url

        let upload =
            ReceiptedUpload(
                receipt,
                (if counts then trustOf receipt else ReceiptTrust.Nothing),
                place,
                identity
            )

        upload.Damaged <- receipted.Damaged
        let earlier = overwritten receipted receipt.Destination identity

        for other in earlier do
            if
                (other.Sha256 <> upload.Sha256 || other.IsContested)
                && upload.At <= other.LatestAt
            then
                upload.IsContested <- true

            upload.LatestAt <- max upload.LatestAt other.LatestAt

        // Several places may be one store. Other content at one address may have overwritten what was there.
        let isGone (other: ReceiptedUpload) =
            other.Sha256 <> upload.Sha256
            || other.IsContested
            || other.Place = ""
            || place = ""
            || other.Place = place
            || isNull identity |> not && other.Identity = identity
            || isOf upload.TargetName receipt.CellId receipt.ArtifactName other

        receipted.ByDestination[receipt.Destination] <-
            upload
            :: (uploadsTo receipted receipt.Destination |> List.filter (isGone >> not))

        match identity with
        | null -> ()
        | identity -> receipted.ByObject[identity] <- upload

        for mark in
            openMarks receipted receipt.Destination @ openMarks receipted identity
            |> List.distinct do
            let isOwn =
                isSameUpload mark upload.TargetName receipt.CellId receipt.ArtifactName receipt.Destination
                && (mark.ObjectUrl.IsNone || mark.ObjectUrl = receipt.ObjectUrl)

            if mark.At > receipt.CompletedAt then
                upload.Doubts <- mark :: upload.Doubts
            elif isOwn then
                close receipted mark

    let private start (receipted: Receipted) (mark: UploadMark) =
        let identity = markIdentity mark

        for key in keysOf mark do
            receipted.Open[key] <- mark :: openMarks receipted key

        for upload in overwritten receipted mark.Destination identity do
            upload.Doubts <- mark :: upload.Doubts

    let apply (receipted: Receipted) (mark: UploadMark) =
        match mark.State with
        | UploadState.Started -> start receipted mark
        | UploadState.NotStored ->
            openMarks receipted mark.Destination
            |> List.tryFind (fun started ->
                isSameUpload started mark.TargetName mark.CellId mark.ArtifactName mark.Destination
                && started.At <= mark.At)
            |> Option.iter (close receipted)

    /// Takes back what a damaged line may have overwritten.
    let damage (receipted: Receipted) (object: (string * string option) option) =
        match object with
        | None -> receipted.Damaged <- receipted.Damaged + 1L
        | Some(destination, url) ->
            for upload in overwritten receipted destination (identityOf destination (Option.toObj url)) do
                upload.IsContested <- true
