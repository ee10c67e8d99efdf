namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// From a document to the cell spec in it. A wrong type names its line; keys that this library does not know are
/// ignored, with a warning below `export`.
[<RequireQualifiedAccess>]
module SpecReader =

    /// The keys of a spec, as they are written.
    let private keys = [
        "export"
        "spec"
        "targets"
        "artifacts"
        "name"
        "kind"
        "targetKind"
        "bucket"
        "region"
        "keyPrefix"
        "key_prefix"
        "path"
        "target"
        "cellId"
    ]

    let private allKeys = keys @ SettingKeys.all

    /// A key as it is written in a spec, from a host's configuration, where its case does not count.
    let internal canonical (key: string) =
        allKeys
        |> List.tryFind (fun known -> known.Equals(key, StringComparison.OrdinalIgnoreCase))
        |> Option.defaultValue key

    let inline private item (read: Result<'a, ConfigProblem list>) =
        match read with
        | Ok draft -> Item.Read draft
        | Error problems -> Item.Unreadable problems

    /// The items of a list below `export`, none where it is left out.
    let private items (key: string) (export: struct (string * SpecNode)[]) =
        SpecKeys.one "'export'" [ key ] export
        |> Result.bind (fun found ->
            match found with
            | None -> Ok [||]
            | Some(_, node) ->
                match node with
                | SpecNode.Nothing -> Ok [||]
                | SpecNode.Sequence(_, items) -> Ok items
                | _ ->
                    SpecKeys.problem
                        node
                        $"'{key}' must be a list, and is {SpecNode.kind node}. Begin each of its items with '- ', or put them into [ ] in JSON.")

    let private target (index: int) (node: SpecNode) : Item<SpecTargetDraft> =
        let who = SpecDraft.numbered "target" index

        SpecKeys.mapping who node
        |> Result.map (fun entries -> {
            Name = SpecKeys.text who [ "name" ] entries
            Kind = SpecKeys.text who [ "kind"; "targetKind" ] entries
            Bucket = SpecKeys.text who [ "bucket" ] entries
            Region = SpecKeys.text who [ "region" ] entries
            KeyPrefix = SpecKeys.text who [ "keyPrefix"; "key_prefix" ] entries
            SpecTargetDraft.Line = SpecNode.lineOf node
        })
        |> item

    let private artifact (index: int) (node: SpecNode) : Item<SpecArtifactDraft> =
        let who = SpecDraft.numbered "artifact" index

        SpecKeys.mapping who node
        |> Result.map (fun entries -> {
            Name = SpecKeys.text who [ "name" ] entries
            Path = SpecKeys.text who [ "path" ] entries
            Target = SpecKeys.text who [ "target" ] entries
            SpecArtifactDraft.Line = SpecNode.lineOf node
        })
        |> item

    /// The settings that a host's configuration gives, and what is wrong with their times.
    let private settings
        (serving: Serving)
        (export: struct (string * SpecNode)[])
        (targets: SpecNode[])
        (drafts: Item<SpecTargetDraft> list)
        : Validation<SpecSetting list * Finding list, ConfigProblem> =
        let ofTarget (node: SpecNode) (draft: Item<SpecTargetDraft>) =
            match node, draft with
            | SpecNode.Mapping(_, entries), Item.Read draft ->
                match
                    SpecTargets.nameOf draft, SpecTargets.otherKind draft, SpecTargets.plainKind serving draft
                with
                | Some name, None, _ -> Some(name, TargetKind.S3, entries)
                | Some name, Some _, Some kind -> Some(name, kind, entries)
                | _ -> None
            | _ -> None

        [
            SettingKeys.read "'export'" None SettingKeys.shared export

            for name, kind, entries in Seq.map2 ofTarget targets drafts |> Seq.choose id do
                SettingKeys.read
                    $"target {Check.quote (TargetName.value name)}"
                    (Some name)
                    (SettingKeys.ofKind kind)
                    entries
        ]
        |> List.sequenceValidationA
        |> Result.map (fun found -> List.collect fst found, List.collect snd found)

    /// True if a finding is about a key with which artifacts may be listed that nothing reads.
    [<CompiledName("LeavesArtifactsOut")>]
    let leavesArtifactsOut (id: string) (key: string) : bool = UnknownKeys.leavesArtifactsOut id key

    /// `export` at the root, or below `spec`.
    let private exportOf (root: SpecNode) : Validation<SpecNode, ConfigProblem> =
        let exportBelow (node: (string * SpecNode) option) =
            match node with
            | Some(_, SpecNode.Mapping(_, entries)) -> SpecKeys.one "'spec'" [ "export" ] entries
            | Some(_, (SpecNode.Sequence _ as list)) ->
                SpecKeys.problem list "'spec' must be a mapping, and is a list. Give it keys with values."
            | _ -> Ok None

        match root with
        | SpecNode.Nothing -> SpecKeys.problem root "The spec is empty. Give it an 'export' with 'targets'."
        | root ->
            validation {
                let! entries = SpecKeys.mapping "the spec" root
                let! atRoot = SpecKeys.one "the spec" [ "export" ] entries
                and! below = SpecKeys.one "the spec" [ "spec" ] entries |> Result.bind exportBelow

                match atRoot, below with
                | Some(_, export), None
                | None, Some(_, export) -> return export
                | Some(_, export), Some _ ->
                    return!
                        SpecKeys.problem
                            export
                            "The spec has two 'export', at the root and below 'spec'. Keep one of them."
                | None, None ->
                    return!
                        SpecKeys.problem
                            root
                            "The spec has no 'export'. Give it one with 'targets', at the root or below 'spec'."
            }

    let private readWith
        (source: SpecSource)
        (serving: Serving)
        (id: Validation<CellId option, ConfigProblem>)
        (strays: Finding list)
        (node: SpecNode)
        : Validation<CellSpec, ConfigProblem> =
        validation {
            let! export = SpecKeys.mapping "'export'" node
            let! targets = items "targets" export
            and! artifacts = items "artifacts" export

            let drafts = [ for index in 0 .. targets.Length - 1 -> target index targets[index] ]

            let found =
                match source with
                | SpecSource.Document -> Ok([], [])
                | SpecSource.Host -> settings serving export targets drafts

            let given, wrong = found |> Result.defaultValue ([], [])

            let! spec =
                CellSpec.check
                    serving
                    (SpecNode.lineOf node)
                    id
                    given
                    (wrong
                     @ (strays @ UnknownKeys.below source serving node targets drafts artifacts
                        |> List.truncate UnknownKeys.Most))
                    drafts
                    [ for index in 0 .. artifacts.Length - 1 -> artifact index artifacts[index] ]

            and! _ = found
            return spec
        }

    /// The `cellId` of a host's configuration.
    let private cellIdOf (node: SpecNode) : Validation<CellId option, ConfigProblem> =
        match node with
        | SpecNode.Mapping(_, entries) ->
            SpecKeys.text "'export'" [ "cellId" ] entries
            |> Result.bind (fun text ->
                match SpecDraft.given text with
                | None -> Ok None
                | Some id ->
                    CellId.create id
                    |> Result.map Some
                    |> SpecDraft.ofRefusal None "'cellId' of 'export'")
        | _ -> Ok None

    /// The cell spec in what a host's configuration has below `export`, or all that is wrong with it at once.
    let internal readExport (node: SpecNode) : Validation<CellSpec, ConfigProblem> =
        readWith SpecSource.Host Serving.S3Only (cellIdOf node) [] node

    /// The same for a program that serves targets of all kinds, with the kind of the default sink.
    let internal readExportFor
        (fallback: TargetKind option)
        (node: SpecNode)
        : Validation<CellSpec, ConfigProblem> =
        readWith SpecSource.Host (Serving.All fallback) (cellIdOf node) [] node

    /// The cell spec in a document, for a program that serves targets of all kinds; `fallback` is the kind of the default sink,
    /// if the environment names one. Artifacts without a target go there, or to the single target.
    [<CompiledName("ReadFor")>]
    let readFor (fallback: TargetKind option) (root: SpecNode) : Validation<CellSpec, ConfigProblem> =
        exportOf root
        |> Result.bind (
            readWith
                SpecSource.Document
                (Serving.All fallback)
                (SpecHeader.idOf root)
                (SpecHeader.findings root @ UnknownKeys.beside root)
        )

    /// The cell spec in a document, or all that is wrong with it at once.
    [<CompiledName("Read")>]
    let read (root: SpecNode) : Validation<CellSpec, ConfigProblem> =
        exportOf root
        |> Result.bind (
            readWith
                SpecSource.Document
                Serving.S3Only
                (SpecHeader.idOf root)
                (SpecHeader.findings root @ UnknownKeys.beside root)
        )
