namespace CellOS.Export.S3.Core

open System

/// Reads paths in which an account precedes the bucket.
[<RequireQualifiedAccess>]
module internal AccountPath =

    let private segmentsOf (path: string) =
        List.ofArray ((path.Substring 1).Split '/')

    let private withKey (below: string list) : (string * string) option =
        match below with
        | bucket :: key when not key.IsEmpty -> Some(bucket, String.concat "/" key)
        | _ -> None

    /// Bucket and key of a path of Google's JSON API.
    let ofGoogle (path: string) : (string * string) option =
        match segmentsOf path with
        | "storage" :: "v1" :: "b" :: bucket :: "o" :: key
        | "upload" :: "storage" :: "v1" :: "b" :: bucket :: "o" :: key -> withKey (bucket :: key)
        | _ -> None

    /// Supabase's hosts, which have a prefix before the bucket.
    let private isSupabase (host: string) =
        [ ".supabase.co"; ".supabase.in"; ".supabase.red" ]
        |> List.exists (fun suffix -> (host.TrimEnd '.').EndsWith(suffix, StringComparison.Ordinal))

    /// Bucket and key of a path in which a form of an account precedes the bucket. The form must be one of the protocol that
    /// the signature belongs to: to another one, it is the names of a bucket and a key.
    let read (signature: UrlSignature) (host: string) (path: string) : (string * string) option =
        let isAccount (segment: string) =
            segment.StartsWith("AUTH_", StringComparison.Ordinal)

        /// True for the protocol's own signature, and for a URL without any.
        let mayBe (protocols: UrlSignature list) =
            List.contains signature (UrlSignature.Unsigned :: protocols)

        match segmentsOf path with
        | "storage" :: "v1" :: "s3" :: rest when isSupabase host -> withKey rest
        | "v1" :: account :: rest when isAccount account && mayBe [ UrlSignature.SwiftTempUrl ] ->
            withKey rest
        | "swift" :: "v1" :: account :: rest when isAccount account && mayBe [ UrlSignature.SwiftTempUrl ] ->
            withKey rest
        | "swift" :: "v1" :: rest when mayBe [ UrlSignature.SwiftTempUrl ] -> withKey rest
        | "devstoreaccount1" :: rest when mayBe [ UrlSignature.AzureSas ] -> withKey rest
        | "p" :: _ :: "n" :: _ :: "b" :: bucket :: "o" :: key
        | "n" :: _ :: "b" :: bucket :: "o" :: key when mayBe [ UrlSignature.OraclePar ] ->
            withKey (bucket :: key)
        | _ when mayBe [ UrlSignature.Google2; UrlSignature.Google4 ] -> ofGoogle path
        | _ -> None
