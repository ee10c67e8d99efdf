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
