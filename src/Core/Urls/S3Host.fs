namespace CellOS.Export.S3.Core

open System

/// What an AWS host name says: who is addressed, and where.
type S3Host = {
    /// The labels before the service: the bucket in a virtual-hosted URL; none in a path-style one.
    Prefix: string option
    /// The region that the host names, if it names one.
    Region: string option
    /// Whether the prefix is an access point and not a bucket.
    IsAccessPoint: bool
}

/// Rules that this module keeps:
/// - it reads the host forms of the Amazon S3 endpoint documentation ("Amazon S3 endpoints and quotas",
///   "Virtual hosting of buckets", "Making requests over dual-stack endpoints", "FIPS", "Transfer
///   Acceleration", "Access points", "Directory buckets", "AWS PrivateLink for Amazon S3");
/// - any other host gives nothing, which is no fault: S3-compatible stores have their own.
[<RequireQualifiedAccess>]
module S3Host =

    /// The suffixes of AWS's partitions: commercial and GovCloud, China, the European sovereign cloud, dual-stack
    /// endpoints, and the isolated ones.
    let private suffixes = [
        ".amazonaws.com"
        ".amazonaws.com.cn"
        ".amazonaws.eu"
        ".api.aws"
        ".c2s.ic.gov"
        ".sc2s.sgov.gov"
        ".cloud.adc-e.uk"
        ".csp.hci.ic.gov"
    ]

    /// What stands before the suffix of AWS's hosts; `None` for a host without one.
    let private withoutSuffix (host: string) =
        let before (suffix: string) =
            if host.EndsWith(suffix, StringComparison.Ordinal) then
                Some(host.Substring(0, host.Length - suffix.Length))
            else
                None

        suffixes |> List.tryPick before

    /// `us-east-1`, `us-gov-west-1`, `ap-southeast-7`, `cn-north-1`, …
    let private isRegion (label: string) =
        let isWord (part: string) =
            part <> "" && String.forall Char.IsAsciiLetterLower part

        let parts = label.Split '-'
        let number = parts[parts.Length - 1]

        let rec areWords i =
            i = parts.Length - 1 || (isWord parts[i] && areWords (i + 1))

        parts.Length >= 3
        && (parts[0].Length >= 2 && parts[0].Length <= 4)
        && areWords 0
        && (number.Length = 1 || number.Length = 2)
        && String.forall Char.IsAsciiDigit number

    /// What one label says of the service.
    type private Service = {
        /// If the label holds it.
        In: string option
        IsAccessPoint: bool
    }

    /// `None` if the label names no S3 data endpoint.
    let private (|Service|_|) (label: string) =
        let after (start: string) = label.Substring start.Length

        let service region isAccessPoint =
            Some {
                In = region
                Service.IsAccessPoint = isAccessPoint
            }

        match label with
        | "s3"
        | "s3-fips"
        | "s3-accelerate" -> service None false
        | "s3-accesspoint"
        | "s3-accesspoint-fips"
        | "s3-outposts"
        | "s3-object-lambda" -> service None true
        // A website takes no upload, and names its bucket all the same.
        | "s3-website" -> service None false
        | "s3-external-1" -> service (Some "us-east-1") false
        | _ when
            label.StartsWith("s3-fips-", StringComparison.Ordinal)
            && isRegion (after "s3-fips-")
            ->
            service (Some(after "s3-fips-")) false
        | _ when
            label.StartsWith("s3-website-", StringComparison.Ordinal)
            && isRegion (after "s3-website-")
            ->
            service (Some(after "s3-website-")) false
        | _ when label.StartsWith("s3-", StringComparison.Ordinal) && isRegion (after "s3-") ->
            service (Some(after "s3-")) false
        | _ when
            label.StartsWith("s3express-", StringComparison.Ordinal)
            && not (label.StartsWith("s3express-control", StringComparison.Ordinal))
            ->
            service None false
        | _ -> None

    /// Labels that stand in reverse, in their order again.
    let rec private joined (after: string) (reversed: string list) =
        match reversed with
        | [] -> after
        | label :: before -> joined (label + "." + after) before

    /// True if a name in the place of a bucket is the alias of an access point (Amazon S3 User Guide, "Access point
    /// aliases"): `…-s3alias`, `…--op-s3` (Outposts), `…--ZONE--xa-s3` (directory buckets), `…--ol-s3` (Object Lambda).
    let internal isAlias (name: string) =
        let endsWith (suffix: string) =
            name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)

        endsWith "-s3alias"
        || endsWith "--op-s3"
        || endsWith "--xa-s3"
        || endsWith "--ol-s3"

    let private found (labels: string list) region isAccessPoint =
        let prefix =
            match labels with
            | [] -> None
            | last :: before -> Some(before |> joined last)

        Some {
            Prefix = prefix
            Region = region
            IsAccessPoint = isAccessPoint || prefix |> Option.exists isAlias
        }

    /// An endpoint of a VPC, by the labels before the service from the right: `vpce-1a2b`, then `bucket` or `accesspoint`,
    /// then the bucket or the access point.
    let private inVpc region (labels: string list) =
        let isEndpoint (label: string) =
            label.StartsWith("vpce-", StringComparison.Ordinal)

        match labels with
        | endpoint :: "accesspoint" :: prefix when isEndpoint endpoint -> found prefix region true
        | endpoint :: "control" :: _ when isEndpoint endpoint -> None
        | endpoint :: "bucket" :: prefix
        | endpoint :: prefix when isEndpoint endpoint -> found prefix region false
        | _ -> None

    let private read (host: string) : S3Host option =
        // A dot at the end names the same host.
        withoutSuffix (if host.EndsWith '.' then host.Substring(0, host.Length - 1) else host)
        |> Option.bind (fun name ->
            let parts = name.Split '.'
            let labels = [ for i in parts.Length - 1 .. -1 .. 0 -> parts[i] ]

            // From the right: a bucket's name may itself hold dots, `s3` and the name of a region.
            match labels with
            | "vpce" :: region :: ("s3" | "s3-fips") :: endpoint when isRegion region ->
                inVpc (Some region) endpoint
            | "vpce" :: region :: "dualstack" :: "s3" :: endpoint when isRegion region ->
                inVpc (Some region) endpoint
            | "s3-global" :: "accesspoint" :: "mrap" :: prefix -> found prefix None true
            | region :: "dualstack" :: Service { IsAccessPoint = isAccessPoint } :: prefix when
                isRegion region
                ->
                found prefix (Some region) isAccessPoint
            | "dualstack" :: "s3-accelerate" :: prefix -> found prefix None false
            | region :: Service {
                                    In = None
                                    IsAccessPoint = isAccessPoint
                                } :: prefix when isRegion region -> found prefix (Some region) isAccessPoint
            | Service {
                          In = region
                          IsAccessPoint = isAccessPoint
                      } :: prefix -> found prefix region isAccessPoint
            | _ -> None)

    let private answers = LastAnswer read

    /// Reads a host in lower case. `None` for a host that is no S3 endpoint of AWS.
    [<CompiledName("TryParse")>]
    let tryParse (host: string) : S3Host option = answers.For host

    /// True if a host in lower case ends as those of AWS do, whether or not its form is one of Amazon S3's.
    let internal hasSuffix (host: string) : bool =
        (withoutSuffix (host.TrimEnd '.')).IsSome

    /// True if the host is that of a directory bucket, whose ETags are not MD5s (Amazon S3 User Guide, "Directory buckets").
    let internal isOfDirectoryBucket (host: string) : bool =
        host.Contains(".s3express-", StringComparison.Ordinal)
        || host.StartsWith("s3express-", StringComparison.Ordinal)
        || host.Contains("--xa-s3.", StringComparison.Ordinal)
