namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// All that a sink knows of its spool before it sees an artifact.
type SpoolTarget = {
    /// Where artifacts are kept.
    Settings: SpoolSettings
    /// The kind of the sink's target.
    Kind: TargetKind
    /// The name of its target; `None` for the default sink.
    Name: TargetName option
    /// The cell whose evidence it takes.
    CellId: CellId
}

/// Makes targets of spools.
[<RequireQualifiedAccess>]
module SpoolTarget =

    let private folder (path: string | null) : Result<string, Refusal> =
        let refuse problem =
            Check.refuse "spool folder" problem "Give the path of a folder, such as '/var/spool/cellos'."

        match path with
        | NonNull path when not (String.IsNullOrWhiteSpace path) ->
            match FilePath.certainProblem path, Check.unprintable path with
            | Some _, _ -> refuse $"{FilePath.show path} is a URL or the content of a file"
            | None, Some problem -> refuse problem
            | None, None -> Ok path
        | _ -> refuse "is not given"

    /// The target, or all that is wrong with it at once. Null and blank mean left out.
    [<CompiledName("Check")>]
    let check
        (kind: TargetKind)
        (name: string | null)
        (cellId: string | null)
        (path: string | null)
        (maxBytes: int64 option)
        : Validation<SpoolTarget, Refusal> =
        validation {
            let! name =
                match name with
                | NonNull name when not (String.IsNullOrWhiteSpace name) ->
                    TargetName.create name |> Result.map Some
                | _ -> Ok None

            and! cellId = CellId.create (cellId |> Option.ofObj |> Option.defaultValue "")
            and! path = folder path

            and! maxBytes =
                match maxBytes with
                | Some bytes when bytes < 1L ->
                    Check.refuse
                        "limit of the spool"
                        (Check.invariant $"is {bytes}")
                        "Give a number of bytes, 1 or more, or leave it out."
                | bytes -> Ok bytes

            return {
                Settings = { Folder = path; MaxBytes = maxBytes }
                Kind = kind
                Name = name
                CellId = cellId
            }
        }
