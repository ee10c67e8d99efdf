namespace CellOS.Export.S3.Core

open System

/// How a URL's path and the logical address of an artifact go together.
[<RequireQualifiedAccess>]
type AddressCheck =
    /// The URL is for this bucket and this key.
    | Same
    /// The URL may be for this bucket and this key, and does not show which bucket or account it is for: an access point,
    /// a path without the bucket, an unknown prefix in the path. Or it has no signature, so that its gateway decides.
    | Unknown
    /// The presigned URL is for another bucket; `Told` is that bucket.
    | OtherBucket of Told: string
    /// The presigned URL is for another key; `Told` is its path, or the key in it where the host tells it.
    | OtherKey of Told: string

/// Compares the address in a URL with the one that a receipt would name.
///
/// Rules that this module keeps:
/// - on the hosts of AWS and of other known stores, bucket and key are read as the store reads them ("Virtual hosting of
///   buckets", Amazon S3 User Guide);
/// - on any other host, the address is the same if the decoded path is `/bucket/key`, `/tenant:bucket/key` (Ceph), `/key`
///   where the host begins with the bucket, or if a form of an account precedes the bucket that belongs to the protocol of
///   the signature (Swift, Azurite, Oracle, Google's JSON API; on Supabase's hosts, its prefix);
/// - a URL on such a host with a signature that is neither AWS's nor of such a protocol may be for a bucket that the host
///   stands for; so may one whose host has labels before the name of a service (`other.s3.example.com`), or ends as AWS's
///   hosts do and is not an S3 endpoint: only labels that are the bucket, and the path `/key`, are the same;
/// - a URL without a signature whose query names another bucket or key may be for that;
/// - `/key` on a host that does not name the bucket or is one word, and `/bucket/key` after an unknown prefix, may be the
///   same;
/// - a path that begins with the bucket is `/bucket/key`: any other rest is another key;
/// - `+` and `%2B` are the same character in a path; octets that are not UTF-8 match no key.
[<RequireQualifiedAccess>]
module ObjectAddress =

    let private decoded (url: RequestUrl) =
        PresignedUrl.decodePath (RequestUrl.path url)

    let private hasDotSegment (path: string) =
        path.Contains("/.", StringComparison.Ordinal)
        && path.Split '/' |> Array.exists (fun segment -> segment = "." || segment = "..")

    let private endsWith (ending: string) (path: string) =
        path.EndsWith(ending, StringComparison.Ordinal)

    /// What precedes the key in a path that contains the bucket.
    let private bucketForms (bucket: string) = [ $"/{bucket}/"; $":{bucket}/"; $"/b/{bucket}/o/" ]

    /// The first segment of a path, and the rest.
    let private split (path: string) : string * string =
        match path.IndexOf('/', 1) with
        | -1 -> path.Substring 1, ""
        | i -> path.Substring(1, i - 1), path.Substring(i + 1)

    let private onStoreHost (store: StoreHost) (bucket: string) (key: string) (path: string) =
        let compare (told: string) (toldKey: string) =
            if not (StoreHost.isBucket store bucket told) then AddressCheck.OtherBucket told
            elif toldKey = key then AddressCheck.Same
            else AddressCheck.OtherKey toldKey

        match store.Bucket, AccountPath.ofGoogle path with
        | Some told, _ -> compare told (path.Substring 1)
        | None, Some(told, toldKey) when store.Endpoint.EndsWith(".googleapis.com", StringComparison.Ordinal) ->
            compare told toldKey
        | None, _ when path = "/" -> AddressCheck.OtherKey path
        | None, _ -> path |> split ||> compare

    /// True if signature and host leave no doubt of the bucket where the path agrees.
    let private isClear (signature: UrlSignature) (host: string) (bucket: string) (isKey: bool) =
        let isOfS3OrNone =
            signature = UrlSignature.V4
            || signature = UrlSignature.V2
            || signature = UrlSignature.Unsigned

        isOfS3OrNone
        && match StoreHost.beforeService host with
           | Some "" -> true
           | Some before -> isKey && before.Equals(bucket, StringComparison.OrdinalIgnoreCase)
           | None -> not (S3Host.hasSuffix host)

    let private onAnyHost
        (signature: UrlSignature)
        (host: string)
        (bucket: string)
        (key: string)
        (path: string)
        =
        let same isKey =
            if isClear signature host bucket isKey then
                AddressCheck.Same
            else
                AddressCheck.Unknown

        let isWhole =
            path.Length = bucket.Length + key.Length + 2
            && path.AsSpan(1).StartsWith(bucket.AsSpan())
            && path[bucket.Length + 1] = '/'
            && endsWith key path

        let isKey = path.Length = key.Length + 1 && endsWith key path

        /// What follows the bucket in the host; `None` if the host does not begin with the bucket. A host that only begins
        /// with the same label may be a store's own.
        let afterBucket =
            let host = host.TrimEnd '.'

            if not (host.StartsWith(bucket, StringComparison.OrdinalIgnoreCase)) then None
            elif host.Length = bucket.Length then Some ""
            elif host[bucket.Length] = '.' then Some(host.Substring(bucket.Length + 1))
            else None

        let isBucketOfS3 (rest: string) =
            rest.StartsWith("s3.", StringComparison.Ordinal)
            || rest.StartsWith("s3-", StringComparison.Ordinal)

        if hasDotSegment path then
            AddressCheck.OtherKey path
        else
            match afterBucket with
            // One word is a machine's name.
            | Some "" when isKey && not (bucket.Contains '.') -> AddressCheck.Unknown
            | Some _ when isKey -> same true
            | Some after when isBucketOfS3 after -> AddressCheck.OtherKey path
            | None when isWhole -> same false
            | Some _ when isWhole -> AddressCheck.Unknown
            | None when isKey -> AddressCheck.Unknown
            | _ ->
                let first, rest = split path
                let other = AddressCheck.OtherKey path

                match AccountPath.read signature host path with
                | Some(told, toldKey) when told = bucket && toldKey = key ->
                    // The first segment may be the bucket of a longer key, too.
                    if first = bucket then AddressCheck.Unknown else AddressCheck.Same
                | _ when first = bucket -> other
                | _ when endsWith (":" + bucket) first && rest = key ->
                    // One tenant, which has a name.
                    match first.IndexOf ':' with
                    | i when i > 0 && i = first.Length - bucket.Length - 1 -> same false
                    | _ -> AddressCheck.Unknown
                | _ when endsWith (":" + bucket) first -> other
                | _ when bucketForms bucket |> List.exists (fun form -> endsWith (form + key) path) ->
                    AddressCheck.Unknown
                | _ -> other

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
        | Some _, Some told when told = key -> AddressCheck.Same
        // An access point does not name its bucket.
        | None, Some told when told = key -> AddressCheck.Unknown
        | _, Some told -> AddressCheck.OtherKey told
        | _, None -> AddressCheck.OtherKey(displayPath url)

    /// Compares a URL, presigned or not, with a bucket and a key.
    let internal compare (bucket: string) (key: string) (url: RequestUrl) : AddressCheck =
        let host = RequestUrl.host url

        let onHost path =
            match StoreHost.tryParse host with
            | Some store -> onStoreHost store bucket key path
            | None -> onAnyHost url.Query.Signature host bucket key path

        match S3Host.tryParse host with
        | Some host -> onAwsHost host bucket key url
        | None ->
            match decoded url |> Option.map onHost with
            // Shown without its token.
            | Some(AddressCheck.OtherKey _)
            | None -> AddressCheck.OtherKey(displayPath url)
            | Some check -> check

    /// The parameters that name a bucket to a gateway, and those that name a key.
    let private bucketParameters = [ "bucket"; "bucketName"; "container" ]

    let private keyParameters = [
        "key"
        "objectKey"
        "object"
        "objectName"
        "path"
        "file"
        "filename"
        "name"
        "target"
        "dest"
        "destination"
    ]

    /// True if the query of a URL without a signature names another bucket or key.
    let private namesOther (bucket: string) (key: string) (url: RequestUrl) =
        let tells (names: string list) (isMeant: string -> bool) =
            names
            |> List.choose (fun name -> RequestUrl.parameter name url)
            |> List.exists (isMeant >> not)

        let isKey (told: string) =
            let told = told.TrimStart '/'

            told <> ""
            && (told = key || endsWith ("/" + told) key || told = $"{bucket}/{key}")

        RequestUrl.revealQuery url <> ""
        && (tells bucketParameters ((=) bucket) || tells keyParameters isKey)

    /// Compares a URL with the bucket and the key that a receipt would name.
    [<CompiledName("Check")>]
    let check (bucket: Bucket) (key: ObjectKey) (url: RequestUrl) : AddressCheck =
        let bucket, key = Bucket.value bucket, ObjectKey.value key

        match compare bucket key url with
        | AddressCheck.Same when RequestUrl.isPresigned url || not (namesOther bucket key url) ->
            AddressCheck.Same
        | other when RequestUrl.isPresigned url -> other
        | _ -> AddressCheck.Unknown

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

    /// The path of a URL without a signature that is known, if it is plainly another object than `bucket/key`: another key
    /// after the bucket, or the key of another artifact of the folder, `[key prefix/]cell id/`. `None` for any other path, since a
    /// gateway may choose the object by itself.
    let internal plainlyOther
        (bucket: string)
        (folder: string)
        (name: string)
        (isArtifact: string -> bool)
        (url: RequestUrl)
        : string option =
        let isOther (path: string) =
            let other =
                match path.IndexOf("/" + folder, StringComparison.Ordinal) with
                | -1 -> None
                | i -> Some(path.Substring(i + 1 + folder.Length))

            path.StartsWith($"/{bucket}/", StringComparison.Ordinal)
            || other |> Option.exists (fun other -> other <> name && isArtifact other)

        if RequestUrl.isPresigned url then
            None
        else
            match compare bucket (folder + name) url with
            | AddressCheck.OtherKey _ ->
                decoded url |> Option.filter isOther |> Option.map (fun _ -> displayPath url)
            | _ -> None

    /// Why a presigned URL for another object cannot be used for the destination; `None` for one that can. The text
    /// says what is wrong and what to do, without a full stop.
    [<CompiledName("Problem")>]
    let problem (destination: Destination) (check: AddressCheck) : string option =
        let meant = Check.visible (Destination.value destination)

        let text (what: string) (told: string) =
            Some
                $"the presigned URL is for {what} {Check.quote told}, and the receipt would say {meant}; ask the presigner for a URL for that object, or correct bucket, key prefix, cell id or artifact name"

        match check with
        | AddressCheck.Same
        | AddressCheck.Unknown -> None
        | AddressCheck.OtherBucket told -> text "the bucket" told
        | AddressCheck.OtherKey told -> text "the object" told

    /// A path with its escapes decoded, one character for each octet, and without dot segments (RFC 3986, 5.2.4): a server
    /// may resolve them.
    let private octets (path: string) =
        let decode () =
            let decoded = Text.StringBuilder path.Length
            let mutable i = 0

            while i < path.Length do
                if path[i] = '%' then
                    decoded.Append(char (Convert.ToByte(path.Substring(i + 1, 2), 16))) |> ignore
                    i <- i + 3
                else
                    decoded.Append path[i] |> ignore
                    i <- i + 1

            decoded.ToString()

        let decoded = if path.Contains '%' then decode () else path

        if not (decoded.Contains "/.") then
            decoded
        else
            let segments = decoded.Split '/'
            let kept = Collections.Generic.List<string>()

            for i in 1 .. segments.Length - 1 do
                match segments[i] with
                | "."
                | ".." ->
                    if segments[i] = ".." && kept.Count > 0 then
                        kept.RemoveAt(kept.Count - 1)

                    if i = segments.Length - 1 then
                        kept.Add ""
                | segment -> kept.Add segment

            "/" + String.concat "/" kept

    /// A query in which characters that need no escape have none, escapes are in upper case (RFC 3986, 6.2.2), and a blank is
    /// `%20`, as many servers read a `+`.
    let private normalCharacters (query: string) =
        let normal = Text.StringBuilder query.Length
        let mutable i = 0

        while i < query.Length do
            if query[i] = '%' then
                let octet = char (Convert.ToByte(query.Substring(i + 1, 2), 16))

                if Char.IsAsciiLetterOrDigit octet || "-._~".Contains octet then
                    normal.Append octet |> ignore
                else
                    normal.Append(query.Substring(i, 3).ToUpperInvariant()) |> ignore

                i <- i + 3
            else
                normal.Append(if query[i] = '+' then "%20" else string query[i]) |> ignore
                i <- i + 1

        normal.ToString()

    /// The parameters of a query in order, without empty ones. A parameter without a value has an empty one.
    let private normalQuery (query: string) =
        (normalCharacters query).Split('&', StringSplitOptions.RemoveEmptyEntries)
        |> Array.map (fun parameter -> if parameter.Contains '=' then parameter else parameter + "=")
        |> Array.sort
        |> String.concat "&"

    /// The host as a text to compare: an IPv4 address may be written as one of IPv6.
    let private normalHost (host: string) =
        match Net.IPAddress.TryParse(host.Trim('[', ']')) with
        | true, address when host.Contains ':' && (nonNull address).IsIPv4MappedToIPv6 ->
            string ((nonNull address).MapToIPv4())
        | _ -> host.TrimEnd '.'

    /// Scheme, host and port, where that is not the scheme's own.
    let private origin (url: RequestUrl) =
        let host = normalHost (RequestUrl.host url)

        if url.HasPlainHost || (RequestUrl.revealUri url).IsDefaultPort then
            $"{RequestUrl.scheme url}://{host}"
        else
            $"{RequestUrl.scheme url}://{host}:{(RequestUrl.revealUri url).Port}"

    /// Origin and path of an object on a host that is not a known store's. The bucket, where it is known, is in the path, also
    /// if the URL has it in the host; a host that begins with the name by chance has it in the path as well.
    let private onOtherHost (bucket: string) (url: RequestUrl) (path: string) =
        let origin = origin url
        let first = origin.IndexOf("//", StringComparison.Ordinal) + 2

        if
            bucket <> ""
            && String.Compare(
                origin,
                first,
                bucket + ".",
                0,
                bucket.Length + 1,
                StringComparison.OrdinalIgnoreCase
            )
                =
                0
            && not (path.StartsWith($"/{bucket}/", StringComparison.Ordinal))
        then
            $"{origin.Remove(first, bucket.Length + 1)}/{bucket}{path}"
        else
            origin + path

    /// The object of a URL whose query does not address it, as a text to compare. An empty bucket is not known.
    let internal identityByPath (bucket: string) (url: RequestUrl) : string =
        let path = RequestUrl.path url

        let path =
            match QuerySecrets.tokenOfPath path with
            | struct (_, 0) -> octets path
            | struct (first, stop) -> octets (path.Remove(first, stop - first))

        let host = RequestUrl.host url

        match S3Host.tryParse host, StoreHost.tryParse host with
        | Some { Prefix = Some bucket }, _ -> $"s3://{bucket}{path}"
        | Some _, _ -> $"s3:/{path}"
        | None,
          Some {
                   Endpoint = endpoint
                   Bucket = Some bucket
               } -> $"{endpoint}/{bucket}{path}"
        | None, Some { Endpoint = endpoint } -> endpoint + path
        | None, None -> onOtherHost bucket url path

    /// The object that a URL addresses, as a text to compare: two URLs with the same text address the same object. One
    /// object can be written in several ways, and one bucket is reached through several hosts. The query is part of it where
    /// the URL has no signature, since a gateway may address by it; then the text holds a credential.
    /// `bucket` is that of the destination: on hosts of unknown stores, a URL may have it in the host or in the path.
    [<CompiledName("IdentityIn")>]
    let identityIn (bucket: string) (url: RequestUrl) : string =
        let path = identityByPath bucket url

        if RequestUrl.isPresigned url then
            path
        else
            match RequestUrl.revealQuery url with
            | "" -> path
            | query -> $"{path}?{normalQuery query}"

    /// The object that a URL addresses, as `identityIn`, where the bucket is not known.
    [<CompiledName("Identity")>]
    let identity (url: RequestUrl) : string = identityIn "" url
