namespace CellOS.Export.S3.Core

open System

/// How a host of a known store addresses buckets.
type internal StoreHost = {
    /// The labels before the endpoint: the bucket. `None` if the path contains the bucket.
    Bucket: string option
    /// The endpoint, without the bucket.
    Endpoint: string
    /// True if the store appends `-` and an account number to the name of a bucket (Tencent COS).
    HasAccountSuffix: bool
}

/// Rules that this module keeps:
/// - it reads the documented endpoints of stores other than AWS's;
/// - any other host gives nothing: stores on premises have hosts of their own.
[<RequireQualifiedAccess>]
module internal StoreHost =

    /// What is known of a store besides its endpoint.
    [<RequireQualifiedAccess>]
    type private Kind =
        /// Its signatures are known here, and it accepts no upload without one.
        | Known
        /// It has signatures of its own besides.
        | OwnSignatures
        /// Its paths have forms of their own, with an account before the bucket.
        | OwnPaths

    /// Endpoints by their labels. `*` is one label; a `*` at the end of a label is any rest of it. The first that fits
    /// counts.
    let private endpoints =
        [
            Kind.Known,
            [
                "storage.googleapis.com"
                "commondatastorage.googleapis.com"
                "storage.*.rep.googleapis.com"
                "storage.mtls.googleapis.com"
                "*.p.googleapis.com"
                "s3.oss-*.aliyuncs.com"
                "*.oss-data-acc.aliyuncs.com"
                "oss-*.aliyuncs.com"
                "*.oss.aliyuncs.com"
                "cos.*.myqcloud.com"
                "cos.*.tencentcos.cn"
                "cos-internal.*.tencentcos.cn"
                "obs.*.myhuaweicloud.com"
                "obs.*.myhuaweicloud.eu"
                "*.eu.r2.cloudflarestorage.com"
                "*.fedramp.r2.cloudflarestorage.com"
                "*.r2.cloudflarestorage.com"
                "*.blob.core.windows.net"
                "*.blob.core.chinacloudapi.cn"
                "*.blob.core.usgovcloudapi.net"
                "*.*.blob.storage.azure.net"
                "s3.*.backblazeb2.com"
                "s3.wasabisys.com"
                "s3.*.wasabisys.com"
                "s3.*.scw.cloud"
                "*.cdn.digitaloceanspaces.com"
                "*.digitaloceanspaces.com"
                "*.linodeobjects.com"
                "*.vultrobjects.com"
                "s3.*.cloud-object-storage.appdomain.cloud"
                "s3.private.*.cloud-object-storage.appdomain.cloud"
                "s3.direct.*.cloud-object-storage.appdomain.cloud"
                "*.compat.objectstorage.*.oraclecloud.com"
                "*.compat.objectstorage.*.oci.customer-oci.com"
                "vhcompat.objectstorage.*.oraclecloud.com"
                "vhcompat.objectstorage.*.oci.customer-oci.com"
                "s3.*.cloud.ovh.net"
                "s3.*.cloud.ovh.us"
                "s3.*.*.cloud.ovh.net"
                "s3.*.*.cloud.ovh.us"
                "storage.yandexcloud.net"
                "storage.yandexcloud.kz"
                "s3.yandexcloud.net"
                "t3.storage.dev"
                "t3.tigrisfiles.io"
                "fly.storage.tigris.dev"
                "sos-*.exo.io"
                "s3.*.idrivee2.com"
                "*.*.idrivee2-*.com"
                "*.your-objectstorage.com"
                "*.upcloudobjects.com"
                "gateway.storjshare.io"
            ]
            Kind.OwnSignatures,
            [
                "tos-*.volces.com"
                "tos-*.ivolces.com"
                "tos-*.bytepluses.com"
                "ks3-*.ksyuncs.com"
                "ks3-*.ksyun.com"
                "s3.*.bcebos.com"
                "*.bcebos.com"
            ]
            Kind.OwnPaths,
            [
                "objectstorage.*.oraclecloud.com"
                "objectstorage.*.oci.customer-oci.com"
                "swiftobjectstorage.*.oraclecloud.com"
            ]
        ]
        |> List.collect (fun (kind, names) -> names |> List.map (fun name -> kind, name.Split '.'))

    let private fits (pattern: string) (label: string) =
        if pattern.EndsWith '*' then
            label.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1))
        else
            pattern = label

    let private read (host: string) : (Kind * StoreHost) option =
        let labels = (host.TrimEnd '.').Split '.'

        let isEndpoint (_, pattern: string[]) =
            let before = labels.Length - pattern.Length
            let mutable at = pattern.Length - 1

            // From the right, where the labels of most hosts differ.
            while before >= 0 && at >= 0 && fits pattern[at] labels[before + at] do
                at <- at - 1

            at < 0 && before >= 0

        endpoints
        |> List.tryFind isEndpoint
        |> Option.map (fun (kind, pattern) ->
            let before = labels.Length - pattern.Length

            kind,
            {
                Bucket = if before = 0 then None else Some(String.concat "." labels[.. before - 1])
                Endpoint = String.concat "." labels[before..]
                HasAccountSuffix = pattern[0].StartsWith("cos", StringComparison.Ordinal)
            })

    let private answers = LastAnswer read

    /// Reads a host in lower case. `None` for a host that is not a known store's, or whose paths have forms of their own.
    let tryParse (host: string) : StoreHost option =
        match answers.For host with
        | Some(Kind.OwnPaths, _)
        | None -> None
        | Some(_, store) -> Some store

    /// True if the host is that of a store other than AWS's which accepts no upload without a signature that is known here.
    let needsSignature (host: string) : bool =
        match answers.For host with
        | Some(Kind.OwnSignatures, _)
        | None -> false
        | Some _ -> true

    /// The names of services in the hosts of stores that are not listed, and those that begin with one of them and `-`.
    let private services = [ "s3"; "oss"; "cos"; "obs"; "tos"; "ks3"; "bos" ]

    let private isService (label: string) =
        services
        |> List.exists (fun service ->
            label.StartsWith(service, StringComparison.Ordinal)
            && (label.Length = service.Length || label[service.Length] = '-'))

    /// The labels before the last one that names a service, in the host of a store that is not listed: a bucket, or a part of
    /// the endpoint. Empty where the host begins with the service; `None` if no label names one.
    let beforeService (host: string) : string option =
        let labels = (host.TrimEnd '.').Split '.'

        labels
        |> Array.tryFindIndexBack isService
        |> Option.map (fun i -> String.Join('.', labels, 0, i))

    /// True if the name of a bucket, as a host or a path contains it, is the bucket.
    let isBucket (store: StoreHost) (bucket: string) (told: string) : bool =
        let comparison =
            if store.Bucket.IsSome then
                StringComparison.OrdinalIgnoreCase
            else
                StringComparison.Ordinal

        told.Equals(bucket, comparison)
        || (store.HasAccountSuffix
            && told.StartsWith(bucket + "-", comparison)
            && told.AsSpan(bucket.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0)
