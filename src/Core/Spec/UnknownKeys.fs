namespace CellOS.Export.S3.Core

open System

/// Where a spec comes from.
[<RequireQualifiedAccess>]
type internal SpecSource =
    /// A document of the family, whose settings are those of the environment.
    | Document
    /// A host's configuration, which may have settings.
    | Host

/// The keys of a spec that nothing reads, with the nearest ones that are read.
[<RequireQualifiedAccess>]
module internal UnknownKeys =

    /// The keys of a target in a spec of the family.
    let private targetKeys = [ "name"; "kind"; "targetKind"; "bucket"; "region"; "keyPrefix"; "key_prefix" ]

    /// The number of findings of one spec that are reported at most.
    [<Literal>]
    let Most = 50

    /// Names the nearest key that is read, or all of them.
    let private nearest (names: string list) (key: string) =
        match Variable.nearKey names key with
        | Some near -> $"Write {near}, or remove the key."
        | None ->
            let names = String.Join(", ", names)
            $"Remove it. The keys that are read here are {names}."

    /// What to do about a key of a document that nothing reads.
    let private adviceInDocument (names: string list) (target: TargetName option) (key: string) =
        match Variable.stemOfKey key with
        | Some stem ->
            let variable =
                match target with
                | Some name -> Variable.forTarget name stem
                | None -> stem + "<TARGET>"

            $"Remove it, and set {variable}: this is a setting of the environment."
        | None -> nearest names key

    /// The same for a host's configuration, which gives settings by keys of its own.
    let private adviceInHost (names: string list) (target: TargetName option) (key: string) =
        SettingKeys.elsewhere target.IsNone key
        |> Option.defaultWith (fun () -> nearest names key)

    /// The keys of a mapping that are not among the known ones.
    let private unknown
        advice
        (known: string list)
        (target: TargetName option)
        (node: SpecNode)
        : Finding list =
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
                        Remedy = advice names target key
                    }
          ]
        | _ -> []

    /// The keys below `export` that nothing reads. Those of targets of other kinds are not this library's.
    let below
        (source: SpecSource)
        (serving: Serving)
        (export: SpecNode)
        (targets: SpecNode[])
        (drafts: Item<SpecTargetDraft> list)
        (artifacts: SpecNode[])
        =
        let isHost = source = SpecSource.Host
        let advice = if isHost then adviceInHost else adviceInDocument

        let settingsOf (kind: TargetKind) =
            if isHost then SettingKeys.ofKind kind |> List.map _.Key else []

        [
            yield!
                unknown
                    advice
                    ([ "targets"; "artifacts" ]
                     @ (if isHost then "cellId" :: [ for key in SettingKeys.shared -> key.Key ] else []))
                    None
                    export

            for node, draft in Seq.zip targets drafts do
                match draft with
                | Item.Unreadable _ -> ()
                | Item.Read draft ->
                    match SpecTargets.otherKind draft, SpecTargets.plainKind serving draft with
                    | None, _ ->
                        yield!
                            unknown
                                advice
                                (targetKeys @ settingsOf TargetKind.S3)
                                (SpecTargets.nameOf draft)
                                node
                    | Some _, Some kind when isHost ->
                        yield! unknown advice (targetKeys @ settingsOf kind) (SpecTargets.nameOf draft) node
                    | _ -> ()

            for node in artifacts do
                yield! unknown adviceInDocument [ "name"; "path"; "target" ] None node
        ]

    /// The list that a key seems to be meant for; a name with two edits at most, such as `artefact`, counts too.
    let private nearList (key: string) =
        EditDistance.nearest [ "artifacts"; "targets" ] (key.ToLowerInvariant())

    /// The number of edits from a key to `export`; 3 if there are more.
    let private editsToExport (key: string) =
        EditDistance.between 3 (key.ToLowerInvariant()) "export"

    /// True if a finding is about a key with which artifacts may be listed that nothing reads.
    let leavesArtifactsOut (id: string) (key: string) =
        id = FindingId.UnknownKey && (editsToExport key < 3 || (nearList key).IsSome)

    /// The keys beside the `export` that is read, at the root and below `spec`, which look like an export or a part of one.
    let beside (root: SpecNode) : Finding list =
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
