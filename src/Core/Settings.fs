namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// The environment variables of this library, and how their values are read.
[<RequireQualifiedAccess>]
module Settings =

    /// The request timeout of every attempt, in milliseconds.
    [<Literal>]
    let RequestTimeoutVariable = "CELLOS_EXPORT_S3_TIMEOUT_MS"

    /// 30 s.
    [<Literal>]
    let DefaultRequestTimeoutMs = 30_000

    /// The connect timeout of every attempt, in milliseconds.
    [<Literal>]
    let ConnectTimeoutVariable = "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"

    /// 10 s.
    [<Literal>]
    let DefaultConnectTimeoutMs = 10_000

    /// The stall timeout of every attempt, in milliseconds.
    [<Literal>]
    let StallTimeoutVariable = "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS"

    /// A PEM file with authorities that are trusted besides the system's.
    [<Literal>]
    let CaBundleVariable = "CELLOS_CA_BUNDLE"

    /// Of one target: `1` sends `Content-MD5`.
    [<Literal>]
    let ContentMd5Variable = "CELLOS_EXPORT_S3_CONTENT_MD5"

    /// Of one target: the largest artifact, in bytes.
    [<Literal>]
    let MaxObjectBytesVariable = "CELLOS_EXPORT_S3_MAX_OBJECT_BYTES"

    /// Of one target: the deadline over all attempts, in milliseconds.
    [<Literal>]
    let DeadlineVariable = "CELLOS_EXPORT_S3_DEADLINE_MS"

    /// A target's own variable: `X` of `artifact-bucket` is `X__ARTIFACT_BUCKET`.
    [<CompiledName("OfTarget")>]
    let ofTarget (variable: string) (name: TargetName) : string =
        $"{variable}__{TargetName.envSuffix name}"

    /// A time in milliseconds from a variable: 1 to 2,147,483,647. What is unset, blank, no whole number or out
    /// of range gives the default.
    [<CompiledName("ResolveTimeoutMs")>]
    let resolveTimeoutMs (lookup: string -> string option) (variable: string) (defaultMs: int) : int =
        match lookup variable with
        | None -> defaultMs
        | Some value ->
            match Int32.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, milliseconds when milliseconds > 0 -> milliseconds
            | _ -> defaultMs
