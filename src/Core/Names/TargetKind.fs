namespace CellOS.Export.S3.Core

open System

/// The kind of place that a target writes to.
[<RequireQualifiedAccess>]
type TargetKind =
    /// A folder on this machine.
    | Local
    /// An HTTP endpoint that accepts PUT.
    | Http
    /// An S3 bucket.
    | S3

    /// The word in a receipt.
    member this.Name =
        match this with
        | Local -> "localPath"
        | Http -> "http"
        | S3 -> "s3"

    /// The word in a cell spec.
    member this.Word =
        match this with
        | Local -> "local"
        | Http -> "http"
        | S3 -> "s3"

    override this.ToString() = this.Name

/// Reads kinds of targets.
[<RequireQualifiedAccess>]
module TargetKind =

    /// All kinds.
    [<CompiledName("All")>]
    let all: TargetKind list = [ TargetKind.S3; TargetKind.Local; TargetKind.Http ]

    /// The kind of a cell spec's word, whose case does not count; `None` for the word of another program's sink.
    [<CompiledName("TryParse")>]
    let tryParse (word: string) : TargetKind option =
        all
        |> List.tryFind _.Word.Equals(word.Trim(), StringComparison.OrdinalIgnoreCase)

    /// True if a receipt of this library may have this word.
    let internal isName (name: string) : bool =
        all |> List.exists (fun kind -> kind.Name = name)

    /// The kind of target that writes to a destination of a receipt.
    let internal ofDestination (destination: string) : TargetKind =
        if destination.StartsWith("s3://", StringComparison.Ordinal) then TargetKind.S3
        elif destination.Contains("://", StringComparison.Ordinal) then TargetKind.Http
        else TargetKind.Local
