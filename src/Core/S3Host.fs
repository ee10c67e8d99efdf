namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

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
///   Acceleration", "Access points", "Directory buckets");
/// - a host that is none of these gives nothing, which is no fault: S3-compatible stores have their own.
[<RequireQualifiedAccess>]
module S3Host =

    let private suffixes = [ ".amazonaws.com.cn"; ".amazonaws.com" ]

    /// `us-east-1`, `us-gov-west-1`, `ap-southeast-7`, `cn-north-1`, …
    let private isRegion (label: string) =
        Regex.IsMatch(label, "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", RegexOptions.CultureInvariant)

    /// What one label says of the service: Some region (if the label holds it) and whether it is an access
    /// point; None if it names no S3 data endpoint.
    [<return: Struct>]
    let private (|Service|_|) (label: string) =
        let after (start: string) = label.Substring start.Length

        match label with
        | "s3"
        | "s3-fips"
        | "s3-accelerate" -> ValueSome struct (None, false)
        | "s3-accesspoint"
        | "s3-accesspoint-fips"
        | "s3-outposts" -> ValueSome struct (None, true)
        | "s3-external-1" -> ValueSome struct (Some "us-east-1", false)
        | _ when
            label.StartsWith("s3-fips-", StringComparison.Ordinal)
            && isRegion (after "s3-fips-")
            ->
            ValueSome struct (Some(after "s3-fips-"), false)
        | _ when label.StartsWith("s3-", StringComparison.Ordinal) && isRegion (after "s3-") ->
            ValueSome struct (Some(after "s3-"), false)
        | _ when
            label.StartsWith("s3express-", StringComparison.Ordinal)
            && not (label.StartsWith("s3express-control", StringComparison.Ordinal))
            ->
            ValueSome struct (None, false)
        | _ -> ValueNone

    let private found (labels: string list) region isAccessPoint =
        Some {
            Prefix =
                match labels with
                | [] -> None
                | labels -> Some(labels |> List.rev |> String.concat ".")
            Region = region
            IsAccessPoint = isAccessPoint
        }

    /// Reads a host in lower case. `None` for a host that is no S3 endpoint of AWS.
    [<CompiledName("TryParse")>]
    let tryParse (host: string) : S3Host option =
        suffixes
        |> List.tryFind (fun suffix -> host.EndsWith(suffix, StringComparison.Ordinal))
        |> Option.bind (fun suffix ->
            let labels =
                host.Substring(0, host.Length - suffix.Length).Split('.')
                |> List.ofArray
                |> List.rev

            // From the right: a bucket's name may itself hold dots, `s3` and the name of a region.
            match labels with
            | "s3-global" :: "accesspoint" :: "mrap" :: prefix -> found prefix None true
            | region :: "dualstack" :: Service struct (_, isAccessPoint) :: prefix when isRegion region ->
                found prefix (Some region) isAccessPoint
            | "dualstack" :: "s3-accelerate" :: prefix -> found prefix None false
            | region :: Service struct (None, isAccessPoint) :: prefix when isRegion region ->
                found prefix (Some region) isAccessPoint
            | Service struct (region, isAccessPoint) :: prefix -> found prefix region isAccessPoint
            | _ -> None)
