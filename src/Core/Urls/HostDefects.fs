namespace CellOS.Export.S3.Core

open System

/// Recognizes hosts and ports that accept no upload: web sites and consoles, misspelt endpoints, addresses of documents, the
/// port of the other scheme.
///
/// Rules that this module keeps:
/// - a host of which it knows nothing has no defect: stores on premises have hosts of their own;
/// - what a proxy or a gateway may make work is not fatal.
[<RequireQualifiedAccess>]
module internal HostDefects =

    let private defect isFatal what remedy : UrlDefect = {
        IsIncomplete = false
        IsFatal = isFatal
        What = what
        Remedy = remedy
    }

    let private endsWith (suffix: string) (host: string) =
        host.EndsWith("." + suffix, StringComparison.Ordinal) || host = suffix

    /// The pages on which people look at buckets.
    let private consoles = [
        "console.aws.amazon.com"
        "console.amazonaws-us-gov.com"
        "console.amazonaws.cn"
        "console.cloud.google.com"
        "storage.cloud.google.com"
        "portal.azure.com"
        "dash.cloudflare.com"
        "cloud.oracle.com"
        "oss.console.aliyun.com"
        "console.cloud.tencent.com"
    ]

    /// Hosts that are reserved for documents (RFC 2606, 3).
    let private ofDocuments = [ "example.com"; "example.net"; "example.org" ]

    /// The endings of AWS's hosts, and of other stores' whose mistyped forms are recognized.
    let private endings = [
        "amazonaws.com"
        "cloudflarestorage.com"
        "googleapis.com"
        "backblazeb2.com"
        "digitaloceanspaces.com"
        "wasabisys.com"
    ]

    /// Other endings of the same names.
    let private others = [ "amazonaws.com.cn"; "amazonaws.eu"; "amazonaws.cn" ]

    /// True if one or two changes of a character turn one text into the other.
    let private isNear (a: string) (b: string) =
        abs (a.Length - b.Length) <= 2
        && a <> b
        && EditDistance.between 3 (a.ToUpperInvariant()) (b.ToUpperInvariant()) <= 2

    let private lastLabels (count: int) (host: string) =
        let labels = host.Split '.'
        String.Join('.', labels |> Array.skip (max 0 (labels.Length - count)))

    /// The ending that was meant by one that is nearly the same.
    let private misspelt (host: string) =
        let two = lastLabels 2 host

        if others |> List.exists (fun other -> endsWith other host) then
            None
        else
            endings
            |> List.tryFind (fun ending ->
                let meant = ending.Split('.')[0]

                two <> ending && (isNear two ending || lastLabels 1 host = meant))

    /// True if a label of the host begins as that of an S3 endpoint.
    let private namesS3 (host: string) =
        host.Split '.'
        |> Array.exists (fun label -> label = "s3" || label.StartsWith("s3-", StringComparison.Ordinal))

    let private ofHost (host: string) = [
        if consoles |> List.exists (fun console -> endsWith console host) then
            defect
                true
                $"{Check.quote host} is the console of a cloud, and no store"
                "Give the presigned URL of the object, not the address of a page in a browser."
        elif
            host.Contains("s3-website", StringComparison.Ordinal)
            && (S3Host.tryParse host).IsSome
        then
            defect
                true
                $"{Check.quote host} is the web site of a bucket, which accepts no upload"
                "Ask the presigner for a URL with the S3 endpoint, such as BUCKET.s3.REGION.amazonaws.com."
        elif
            List.contains
                (if host.StartsWith("www.", StringComparison.Ordinal) then
                     host.Substring 4
                 else
                     host)
                ofDocuments
        then
            defect
                false
                $"{Check.quote host} is a host for examples in documents, and no store"
                "Give the URL that the presigner made."
        else
            match misspelt host with
            | Some meant ->
                defect
                    true
                    $"the host {Check.quote host} looks like a misspelt {meant}"
                    $"Correct the host to {meant} in the configuration of the presigner, and presign again: the signature covers it."
            | None when host.EndsWith(".con", StringComparison.Ordinal) ->
                defect
                    true
                    $"the host {Check.quote host} ends with '.con', which is not a domain"
                    "Correct it to '.com' in the configuration of the presigner, and presign again: the signature covers it."
            | None when
                endsWith "amazonaws.com" host
                && namesS3 host
                && (S3Host.tryParse host).IsNone
                && not (endsWith "vpce.amazonaws.com" host)
                ->
                defect
                    false
                    $"{Check.quote host} is not the form of an S3 endpoint"
                    "Compare it with BUCKET.s3.REGION.amazonaws.com, and ask the presigner for a URL with the right host."
            | None -> ()
    ]

    /// The port of the other scheme, where a server of this one seldom listens.
    let private ofPort isStore (url: RequestUrl) = [
        let port = (RequestUrl.revealUri url).Port

        match RequestUrl.scheme url, port with
        | "http", 443 ->
            defect
                isStore
                "the URL is http, and its port is 443, that of https"
                "Write https, or correct the port."
        | "https", 80 ->
            defect
                isStore
                "the URL is https, and its port is 80, that of http"
                "Remove ':80', or correct the port."
        | _ -> ()
    ]

    /// The defects of the host and port of a URL.
    let find (url: RequestUrl) : UrlDefect list =
        let host = (RequestUrl.host url).TrimEnd '.'

        let hasPort = (RequestUrl.authority url).Contains ':'

        ofHost host @ if hasPort then ofPort (SignatureForm.isStore host) url else []
