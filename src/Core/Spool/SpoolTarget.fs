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

/// What a sink of this library says of itself to the spool around it.
type SpoolInner = {
    /// The name of its target; `None` for none.
    Name: TargetName option
    /// The cell whose evidence it takes.
    CellId: CellId
    /// True if a command gives its URLs.
    AsksCommand: bool
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

    let private text (value: string | null) =
        match value with
        | NonNull text when not (String.IsNullOrWhiteSpace text) -> Some text
        | _ -> None

    /// A value that was given for a spool, and must be that of the inner sink.
    let private ofInner (subject: string) (given: string) (inner: string option) =
        match inner with
        | Some inner when inner = given -> Ok()
        | Some inner ->
            Check.refuse
                subject
                $"is {Check.quote given}, and that of the inner sink is {Check.quote inner}"
                "Leave it out, or give that of the inner sink."
        | None ->
            Check.refuse
                subject
                $"is {Check.quote given}, and the inner sink has none"
                "Leave it out, or give it to the inner sink, too."

    let private target (inner: SpoolInner option) (name: string | null) =
        match text name, inner with
        | None, None -> Ok None
        | None, Some inner -> Ok inner.Name
        | Some given, None -> TargetName.create given |> Result.map Some
        | Some given, Some inner ->
            result {
                let! name = TargetName.create given
                do! ofInner "target name" given (inner.Name |> Option.map TargetName.value)
                return Some name
            }

    let private cell (inner: SpoolInner option) (cellId: string | null) =
        match text cellId, inner with
        | None, Some inner -> Ok inner.CellId
        | given, None -> CellId.create (defaultArg given "")
        | Some given, Some inner ->
            result {
                let! cellId = CellId.create given
                do! ofInner "cell id" given (Some(CellId.value inner.CellId))
                return cellId
            }

    /// The target, or all that is wrong with it at once. Null and blank mean left out: the values of the inner sink apply.
    [<CompiledName("Check")>]
    let check
        (inner: SpoolInner option)
        (kind: TargetKind)
        (name: string | null)
        (cellId: string | null)
        (path: string | null)
        (maxBytes: int64 option)
        : Validation<SpoolTarget, Refusal> =
        validation {
            let! name = target inner name
            and! cellId = cell inner cellId
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
