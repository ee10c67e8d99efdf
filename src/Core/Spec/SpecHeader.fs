namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// What a document says of itself beside its `export`: version, kind, and the cell.
[<RequireQualifiedAccess>]
module internal SpecHeader =

    /// The `apiVersion` of the family's specs.
    [<Literal>]
    let Version = "cellos.io/v1"

    /// The `kind` of a cell spec.
    [<Literal>]
    let Kind = "ExecutionCell"

    /// What the document says that it is, where that is another version or kind of the family. The documents of others are
    /// theirs.
    let findings (root: SpecNode) : Finding list =
        let scalar (name: string) =
            match root with
            | SpecNode.Mapping(_, entries) ->
                entries
                |> Array.tryPick (fun struct (key, value) ->
                    match value with
                    | SpecNode.Scalar(_, text, _) when key = name -> Some(text, value)
                    | _ -> None)
            | _ -> None

        let finding id variable what (node: SpecNode) remedy = {
            Id = id
            Severity = Severity.Warning
            Target = None
            Variable = variable
            What = $"{what}{SpecDraft.inLine (SpecNode.lineOf node)}"
            Remedy = remedy
        }

        match scalar "apiVersion", scalar "kind" with
        | Some(version, node), _ when
            version.StartsWith("cellos.io/", StringComparison.Ordinal) && version <> Version
              ->
              [
                  finding
                      FindingId.UnknownVersion
                      "apiVersion"
                      $"the spec has the version {Check.quoteWord version}, and {Version} is read"
                      node
                      $"Write the spec in {Version}, or use a version of this tool that reads the other one."
              ]
        | Some(version, _), Some(kind, node) when version = Version && kind <> Kind -> [
            finding
                FindingId.UnknownKind
                "kind"
                $"the document is of the kind {Check.quoteWord kind}, and a cell spec is of the kind {Kind}"
                node
                $"Give the spec of the cell, or write 'kind: {Kind}' if it is one."
          ]
        | _ -> []

    /// The cell id: `id` below `spec`, wherever `export` is.
    let idOf (root: SpecNode) : Validation<CellId option, ConfigProblem> =
        match root with
        | SpecNode.Mapping(_, entries) ->
            let spec =
                entries
                |> Array.tryPick (fun struct (key, value) ->
                    match value with
                    | SpecNode.Mapping(_, entries) when key = "spec" -> Some(value, entries)
                    | _ -> None)

            match spec with
            | None -> Ok None
            | Some(node, entries) ->
                let line =
                    entries
                    |> Array.tryPick (fun struct (key, value) ->
                        if key = "id" then SpecNode.lineOf value else None)
                    |> Option.orElse (SpecNode.lineOf node)

                SpecKeys.text "'spec'" [ "id" ] entries |> Result.bind (CellSpec.checkId line)
        | _ -> Ok None
