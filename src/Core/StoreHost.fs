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

    /// Endpoints by their labels. `*` is one label; a `*` at the end of a label is any rest of it. The first that fits
    /// counts.
    let private endpoints =
        [
            "storage.googleapis.com"
            "commondatastorage.googleapis.com"
            "storage.*.rep.googleapis.com"
            "s3.oss-*.aliyuncs.com"
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
        ]
        |> List.map (fun endpoint -> endpoint.Split '.')

    let private fits (pattern: string) (label: string) =
        if pattern.EndsWith '*' then
            label.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1))
        else
            pattern = label

    let private read (host: string) : StoreHost option =
        let labels = (host.TrimEnd '.').Split '.'

        let isEndpoint (pattern: string[]) =
            let before = labels.Length - pattern.Length
            let mutable at = pattern.Length - 1

            // From the right, where the labels of most hosts differ.
            while before >= 0 && at >= 0 && fits pattern[at] labels[before + at] do
                at <- at - 1

            at < 0 && before >= 0

        endpoints
        |> List.tryFind isEndpoint
        |> Option.map (fun pattern ->
            let before = labels.Length - pattern.Length

            {
                Bucket = if before = 0 then None else Some(String.concat "." labels[.. before - 1])
                Endpoint = String.concat "." labels[before..]
                HasAccountSuffix = pattern[0].StartsWith("cos", StringComparison.Ordinal)
            })

    let private answers = LastAnswer read

    /// Reads a host in lower case. `None` for a host that is not a known store's.
    let tryParse (host: string) : StoreHost option = answers.For host

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
