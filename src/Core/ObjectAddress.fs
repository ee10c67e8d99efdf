namespace CellOS.Export.S3.Core

open System

/// How a URL's path and the logical address of an artifact go together.
[<RequireQualifiedAccess>]
type AddressCheck =
    /// The URL is for this bucket and this key.
    | Same
    /// The URL has no signature and another path: the gateway behind it decides where the bytes go.
    | Unknown
    /// The presigned URL is for another bucket; `Told` is that bucket.
    | OtherBucket of Told: string
    /// The presigned URL is for another key; `Told` is its path, or the key in it where the host tells it.
    | OtherKey of Told: string

/// Compares the address in a URL with the one that a receipt would name.
///
/// Rules that this module keeps:
/// - on AWS's hosts, bucket and key are read as AWS reads them ("Virtual hosting of buckets", Amazon S3 User Guide);
/// - on any other host, the decoded path is `/key` (virtual-hosted), or ends with `/bucket/key` or `:bucket/key` (a tenant
///   before the bucket: Ceph), or with `/b/bucket/o/key` (Oracle Object Storage);
/// - `+` and `%2B` are the same character in a path; octets that are not UTF-8 match no key.
[<RequireQualifiedAccess>]
module ObjectAddress =

    let private decoded (url: RequestUrl) =
        PresignedUrl.decodePath (RequestUrl.path url)

    let private hasDotSegment (path: string) =
        path.Split '/' |> Array.exists (fun segment -> segment = "." || segment = "..")

    /// True if the path ends with the given text, and no dot segment before it may lead elsewhere.
    let private endsWith (ending: string) (path: string) =
        path.EndsWith(ending, StringComparison.Ordinal)
        && not (hasDotSegment (path.Substring(0, path.Length - ending.Length)))

    /// What precedes the key in a path that contains the bucket.
    let private bucketForms (bucket: string) = [ $"/{bucket}/"; $":{bucket}/"; $"/b/{bucket}/o/" ]

    let private onAnyHost (bucket: string) (key: string) (path: string) =
        path = "/" + key
        || bucketForms bucket |> List.exists (fun form -> endsWith (form + key) path)

    /// The decoded path for display, without the token that it may contain.
    let internal displayPath (url: RequestUrl) =
        let shown = RequestUrl.withoutQuery url

        let path =
            match UrlAuthority.find shown with
            | ValueSome { Stop = stop } -> shown.Substring stop
            | ValueNone -> shown

        PresignedUrl.decodePath path |> Option.defaultValue path

    let private onAwsHost (host: S3Host) (bucket: string) (key: string) (url: RequestUrl) =
        let toldBucket, toldKey = PresignedUrl.addressOf url

        match toldBucket, toldKey with
        // As part of a host name, a bucket's name is in lower case here; in a path, it is as it was written.
        | Some told, _ when
            not (
                told.Equals(
                    bucket,
                    if host.Prefix.IsSome then
                        StringComparison.OrdinalIgnoreCase
                    else
                        StringComparison.Ordinal
                )
            )
            ->
            AddressCheck.OtherBucket told
        | None, None when not host.IsAccessPoint -> AddressCheck.OtherKey(displayPath url)
        | _, Some told when told = key -> AddressCheck.Same
        | _, Some told -> AddressCheck.OtherKey told
        | _, None -> AddressCheck.OtherKey(displayPath url)

    /// Compares a URL with the bucket and the key that a receipt would name.
    [<CompiledName("Check")>]
    let check (bucket: Bucket) (key: ObjectKey) (url: RequestUrl) : AddressCheck =
        let bucket, key = Bucket.value bucket, ObjectKey.value key

        let result =
            match S3Host.tryParse (RequestUrl.host url) with
            | Some host -> onAwsHost host bucket key url
            | None when decoded url |> Option.exists (onAnyHost bucket key) -> AddressCheck.Same
            | None -> AddressCheck.OtherKey(displayPath url)

        if result <> AddressCheck.Same && not (RequestUrl.isPresigned url) then
            AddressCheck.Unknown
        else
            result

    /// True if a URL, on a host that is not AWS's, may be for an object below the folder, `[key prefix/]cell id/`.
    let internal mayBeBelow (bucket: Bucket) (folder: string) (url: RequestUrl) : bool =
        let isBelow (path: string) =
            path.StartsWith("/" + folder, StringComparison.Ordinal)
            || bucketForms (Bucket.value bucket)
               |> List.exists (fun form -> path.Contains(form + folder, StringComparison.Ordinal))

        (S3Host.tryParse (RequestUrl.host url)).IsSome
        || not (RequestUrl.isPresigned url)
        || decoded url
           |> Option.exists (fun path -> isBelow path && not (hasDotSegment path))

    /// Why a presigned URL for another object cannot be used for the destination; `None` for one that can. The text
    /// says what is wrong and what to do, without a full stop.
    [<CompiledName("Problem")>]
    let problem (destination: Destination) (check: AddressCheck) : string option =
        let meant = Check.visible (Destination.value destination)

        let text (what: string) (told: string) =
            Some
                $"the presigned URL is for {what} {Check.quote told}, and the receipt would say {meant}; presign for that object, or correct bucket, key prefix, cell id or artifact name"

        match check with
        | AddressCheck.Same
        | AddressCheck.Unknown -> None
        | AddressCheck.OtherBucket told -> text "the bucket" told
        | AddressCheck.OtherKey told -> text "the object" told
