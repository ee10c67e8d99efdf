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
    ]

    /// A key as it is written in a spec, from a place where its case does not count.
    let internal canonical (key: string) =
        keys
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

    /// The number of findings of one spec that are reported at most.
    [<Literal>]
    let private MostUnknownKeys = 50

    /// The keys of a mapping that are not among the known ones.
    let private unknown (known: string list) (target: TargetName option) (node: SpecNode) : Finding list =
        match node with
        | SpecNode.Mapping(_, entries) -> [
            for struct (key, value) in entries do
                if not (SpecKeys.isOneOf known key) then
                    let names =
                        known |> List.filter (fun name -> name <> "targetKind" && name <> "key_prefix")

                    {
                        Id = FindingId.UnknownKey
                        Severity = Severity.Warning
                        Target = target |> Option.map TargetName.value
                        Variable = Check.shorten 120 (Check.word key)
                        What = $"nothing reads this key of the spec{SpecDraft.inLine (SpecNode.lineOf value)}"
                        Remedy =
                            match Variable.stemOfKey key, Variable.nearKey names key with
                            | Some stem, _ ->
                                let variable =
                                    match target with
                                    | Some name -> Variable.forTarget name stem
                                    | None -> stem + "<TARGET>"

                                $"Remove it, and set {variable}: this is a setting of the environment."
                            | None, Some near -> $"Write {near}, or remove the key."
                            | None, None ->
                                let names = String.Join(", ", names)
                                $"Remove it. The keys that are read here are {names}."
                    }
          ]
        | _ -> []

    /// The keys below `export` that nothing reads. Those of targets of other kinds are not this library's.
    let private unknownKeys
        (export: SpecNode)
        (targets: SpecNode[])
        (drafts: Item<SpecTargetDraft> list)
        (artifacts: SpecNode[])
        = [
        yield! unknown [ "targets"; "artifacts" ] None export

        for node, draft in Seq.zip targets drafts do
            match draft with
            | Item.Read draft when (SpecTargets.otherKind draft).IsNone ->
                yield!
                    unknown
                        [ "name"; "kind"; "targetKind"; "bucket"; "region"; "keyPrefix"; "key_prefix" ]
                        (SpecTargets.nameOf draft)
                        node
            | _ -> ()

        for node in artifacts do
            yield! unknown [ "name"; "path"; "target" ] None node
    ]

    /// The list that a key seems to be meant for; a name with two edits at most, such as `artefact`, counts too.
    let private nearList (key: string) =
        EditDistance.nearest [ "artifacts"; "targets" ] (key.ToLowerInvariant())

    /// The number of edits from a key to `export`; 3 if there are more.
    let private editsToExport (key: string) =
        EditDistance.between 3 (key.ToLowerInvariant()) "export"

    /// True if a finding is about a key with which artifacts may be listed that nothing reads.
    [<CompiledName("LeavesArtifactsOut")>]
    let leavesArtifactsOut (id: string) (key: string) =
        id = FindingId.UnknownKey && (editsToExport key < 3 || (nearList key).IsSome)

    /// The keys beside the `export` that is read, at the root and below `spec`, which look like an export or a part of one.
    let private strayKeys (root: SpecNode) : Finding list =
        let entriesOf (node: SpecNode) =
            match node with
            | SpecNode.Mapping(_, entries) -> List.ofArray entries
            | _ -> []

        let hasList (node: SpecNode) =
            entriesOf node |> List.exists (fun struct (key, _) -> (nearList key).IsSome)

        let isStray (key: string) (value: SpecNode) =
            match key, value with
            | ("export" | "spec"), _ -> false
            | ("artifacts" | "targets"), _ -> true
            | _, SpecNode.Sequence _ -> (nearList key).IsSome
            // Two edits lead to `report` and `import` as well.
            | _, SpecNode.Mapping _ -> editsToExport key < (if hasList value then 3 else 2)
            | _ -> false

        let strays (node: SpecNode) = [
            for struct (key, value) in entriesOf node do
                if isStray key value then
                    {
                        Id = FindingId.UnknownKey
                        Severity = Severity.Warning
                        Target = None
                        Variable = Check.shorten 120 (Check.plain key)
                        What =
                            $"nothing reads this key of the spec outside 'export'{SpecDraft.inLine (SpecNode.lineOf value)}"
                        Remedy =
                            match nearList key with
                            | Some name -> $"Move the list to '{name}' below 'export', or remove the key."
                            | None -> "Move its lists below 'export', or remove the key."
                    }
        ]

        strays root
        @ [
            for struct (key, value) in entriesOf root do
                if key = "spec" then
                    yield! strays value
        ]

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

            return!
                CellSpec.check
                    serving
                    (SpecNode.lineOf node)
                    id
                    (strays @ unknownKeys node targets drafts artifacts
                     |> List.truncate MostUnknownKeys)
                    drafts
                    [ for index in 0 .. artifacts.Length - 1 -> artifact index artifacts[index] ]
        }

    /// The cell spec in what stands below `export`, or all that is wrong with it at once.
    let internal readExport (node: SpecNode) : Validation<CellSpec, ConfigProblem> =
        readWith Serving.S3Only (Ok None) [] node

    /// The same for a program that serves targets of all kinds, with the kind of the default sink.
    let internal readExportFor
        (fallback: TargetKind option)
        (node: SpecNode)
        : Validation<CellSpec, ConfigProblem> =
        readWith (Serving.All fallback) (Ok None) [] node

    /// The cell spec in a document, for a program that serves targets of all kinds; `fallback` is the kind of the default sink,
    /// if the environment names one. Artifacts without a target go there, or to the single target.
    [<CompiledName("ReadFor")>]
    let readFor (fallback: TargetKind option) (root: SpecNode) : Validation<CellSpec, ConfigProblem> =
        exportOf root
        |> Result.bind (
            readWith (Serving.All fallback) (SpecHeader.idOf root) (SpecHeader.findings root @ strayKeys root)
        )

    /// The cell spec in a document, or all that is wrong with it at once.
    [<CompiledName("Read")>]
    let read (root: SpecNode) : Validation<CellSpec, ConfigProblem> =
        exportOf root
        |> Result.bind (
            readWith Serving.S3Only (SpecHeader.idOf root) (SpecHeader.findings root @ strayKeys root)
        )
