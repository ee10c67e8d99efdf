namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// From a document to the cell spec in it. A wrong type names its line; keys that this library does not know are
/// passed over.
[<RequireQualifiedAccess>]
module SpecReader =

    let private problem (node: SpecNode) text =
        Error [ ConfigProblem.inSpec (SpecNode.lineOf node) text ]

    let private find (names: string list) (entries: struct (string * SpecNode)[]) =
        names
        |> List.choose (fun name ->
            entries
            |> Array.tryPick (fun struct (key, node) -> if key = name then Some(name, node) else None))

    /// The value of a key that may be written in several ways, but only in one of them at once.
    let private one (who: string) (names: string list) entries =
        match find names entries with
        | [] -> Ok None
        | [ found ] -> Ok(Some found)
        | (first, _) :: (second, node) :: _ ->
            problem node $"{who} has both '{first}' and '{second}'. Keep one of them."

    let private text (who: string) (names: string list) entries : Validation<string | null, ConfigProblem> =
        one who names entries
        |> Result.bind (fun found ->
            match found with
            | None
            | Some(_, SpecNode.Nothing) -> Ok null
            | Some(_, SpecNode.Text value) -> Ok value
            | Some(name, (SpecNode.Scalar _ as node)) ->
                problem
                    node
                    $"'{name}' of {who} must be a text, and is {SpecNode.kind node}. Put it in quotes if it is meant as it stands."
            | Some(name, node) ->
                problem node $"'{name}' of {who} must be a text, and is {SpecNode.kind node}. Give one text.")

    let private mapping (who: string) (node: SpecNode) =
        match node with
        | SpecNode.Mapping(_, entries) -> Ok entries
        | node ->
            problem node $"{who} must be a mapping, and is {SpecNode.kind node}. Give it keys with values."

    let private items (who: string) (node: SpecNode option) =
        match node with
        | None
        | Some SpecNode.Nothing -> Ok []
        | Some(SpecNode.Sequence(_, items)) -> Ok(List.ofArray items)
        | Some node ->
            problem
                node
                $"{who} must be a list, and is {SpecNode.kind node}. Begin each of its items with '- '."

    let private target (index: int) (node: SpecNode) : Validation<SpecTarget, ConfigProblem> =
        let who = $"target {index + 1}"

        mapping who node
        |> Result.bind (fun entries ->
            validation {
                let! name = text who [ "name" ] entries
                and! kind = text who [ "kind"; "targetKind" ] entries
                and! bucket = text who [ "bucket" ] entries
                and! region = text who [ "region" ] entries
                and! keyPrefix = text who [ "keyPrefix"; "key_prefix" ] entries

                return {
                    Name = name
                    Kind = kind
                    Bucket = bucket
                    Region = region
                    KeyPrefix = keyPrefix
                    SpecTarget.Line = SpecNode.lineOf node
                }
            })

    let private artifact (index: int) (node: SpecNode) : Validation<SpecArtifact, ConfigProblem> =
        let who = $"artifact {index + 1}"

        mapping who node
        |> Result.bind (fun entries ->
            validation {
                let! name = text who [ "name" ] entries
                and! path = text who [ "path" ] entries
                and! target = text who [ "target" ] entries

                return {
                    Name = name
                    Path = path
                    Target = target
                    SpecArtifact.Line = SpecNode.lineOf node
                }
            })

    let private each read nodes =
        nodes |> List.mapi read |> List.sequenceValidationA

    /// `export` at the root, or below `spec`.
    let private exportOf (root: SpecNode) =
        let missing () =
            problem root "The spec has no 'export'. Give it one with 'targets', at the root or below 'spec'."

        match root with
        | SpecNode.Nothing -> problem root "The spec is empty. Give it an 'export' with 'targets'."
        | root ->
            mapping "the spec" root
            |> Result.bind (fun entries ->
                match find [ "export" ] entries, find [ "spec" ] entries with
                | [ _, export ], [] -> Ok export
                | [], [ _, SpecNode.Mapping(_, below) ] ->
                    match find [ "export" ] below with
                    | [ _, export ] -> Ok export
                    | _ -> missing ()
                | [ _, export ], [ _, SpecNode.Mapping(_, below) ] when not (find [ "export" ] below).IsEmpty ->
                    problem
                        export
                        "The spec has two 'export', at the root and below 'spec'. Keep one of them."
                | [ _, export ], _ -> Ok export
                | _ -> missing ())

    /// The cell spec in a document, or all that is wrong with it at once.
    [<CompiledName("Read")>]
    let read (root: SpecNode) : Validation<CellSpec, ConfigProblem> =
        validation {
            let! export = exportOf root |> Result.bind (mapping "'export'")

            let! targets =
                find [ "targets" ] export
                |> List.tryHead
                |> Option.map snd
                |> items "'targets'"
                |> Result.bind (each target)

            and! artifacts =
                find [ "artifacts" ] export
                |> List.tryHead
                |> Option.map snd
                |> items "'artifacts'"
                |> Result.bind (each artifact)

            return! CellSpec.create targets artifacts
        }
