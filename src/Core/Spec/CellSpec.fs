namespace CellOS.Export.S3.Core

open FsToolkit.ErrorHandling

/// The exports of a cell: what goes where. Its values are checked; see `CellSpec.create`.
type CellSpec = private {
    id: CellId option
    serving: Serving
    targets: S3Target list
    plain: PlainTarget list
    others: OtherTarget list
    artifacts: RoutedArtifact list
    shard: Shard option
    otherShards: RoutedArtifact list
    otherArtifacts: string list
    names: TargetName list
    settings: SpecSetting list
    findings: Finding list
} with

    /// The cell that the spec is for, if it says so.
    member this.Id = this.id
    /// In the order of the spec; names are unique, and so are their suffixes of environment variables.
    member this.Targets = this.targets
    /// Targets of kinds `local` and `http`, in the order of the spec; empty for a program that serves S3 targets alone.
    member this.PlainTargets = this.plain

    /// The kind of the default sink, if the environment names one.
    member this.Fallback =
        match this.serving with
        | Serving.All fallback -> fallback
        | Serving.S3Only -> None

    member internal this.Serving = this.serving
    /// Targets of other kinds, which this library leaves alone.
    member this.Others = this.others
    /// Artifacts for the S3 targets; of one shard only after `CellSpec.ofShard`.
    member this.Artifacts = SpecArtifacts.ofS3 this.artifacts
    /// Artifacts for all targets that the program serves, and for the default sink.
    member this.AllArtifacts = this.artifacts
    /// The shard that the artifacts belong to; `None` for all of them.
    member this.Shard = this.shard
    /// Artifacts for the S3 targets that other shards have.
    member internal this.OtherShards = SpecArtifacts.ofS3 this.otherShards
    /// Artifacts for all targets that other shards have.
    member internal this.AllOtherShards = this.otherShards
    /// The names of the artifacts for other targets, which this library does not export.
    member this.OtherArtifacts = this.otherArtifacts
    /// Of all S3 targets, of those too that `CellSpec.only` left out: their variables are no unknown ones.
    member internal this.Names = this.names
    /// Settings of a host's configuration, below the variables.
    member internal this.Settings = this.settings
    /// What was noticed in the spec itself.
    member internal this.Findings = this.findings

/// Rules that this module keeps:
/// - all that is wrong is reported at once, in the order of the spec, each with its line;
/// - a target of another kind is reported and does not disturb the S3 targets;
/// - unknown keys and kinds are ignored, with a warning.
[<RequireQualifiedAccess>]
module CellSpec =

    /// The kind of target that this library serves.
    [<Literal>]
    let Kind = SpecTargets.Kind

    /// The spec of what a reader found; `line` is where it looked for targets.
    let internal check
        (serving: Serving)
        (line: int option)
        (id: Validation<CellId option, ConfigProblem>)
        (settings: SpecSetting list)
        (unknownKeys: Finding list)
        (targets: Item<SpecTargetDraft> list)
        (artifacts: Item<SpecArtifactDraft> list)
        : Validation<CellSpec, ConfigProblem> =
        validation {
            let! id = id

            and! _ =
                match serving with
                | Serving.S3Only when targets.IsEmpty ->
                    SpecDraft.problem
                        line
                        "The spec has no targets. List at least one below 'export: targets:'."
                | Serving.All None when targets.IsEmpty ->
                    SpecDraft.problem
                        line
                        $"The spec has no targets, and there is no default sink. List a target below 'export: targets:', or set {Variable.SharedLocalFolder} or {Variable.SharedHttpUrl}."
                | _ -> Ok()

            and! checkedTargets = SpecTargets.check serving targets
            and! checkedArtifacts, otherArtifacts = SpecArtifacts.check serving targets artifacts

            let s3 = [
                for target in checkedTargets do
                    match target with
                    | SpecItem.S3 target -> target
                    | _ -> ()
            ]

            let plain = [
                for target in checkedTargets do
                    match target with
                    | SpecItem.Plain target -> target
                    | _ -> ()
            ]

            return {
                id = id
                serving = serving
                targets = s3
                plain = plain
                others = [
                    for target in checkedTargets do
                        match target with
                        | SpecItem.Other other -> other
                        | _ -> ()
                ]
                artifacts = checkedArtifacts
                shard = None
                otherShards = []
                otherArtifacts = otherArtifacts
                names = [
                    for target in s3 -> target.Name
                    for target in plain -> target.Name
                ]
                settings = settings
                findings = unknownKeys @ SpecTargets.unknownKinds targets
            }
        }

    /// The cell id of a spec; blank and null mean none.
    let internal checkId (line: int option) (id: string | null) : Validation<CellId option, ConfigProblem> =
        match SpecDraft.given id with
        | None -> Ok None
        | Some id -> CellId.create id |> Result.map Some |> SpecDraft.ofRefusal line "'id' of 'spec'"

    /// The spec of a cell, or all that is wrong with it at once: no target at all, missing or bad names, two targets with
    /// one name or with the same variables, artifacts for unknown targets, paths that leave the artifact root,
    /// one artifact twice. `id` is the cell id; null for a spec that is for any cell.
    [<CompiledName("CreateFor")>]
    let createFor
        (id: string | null)
        (targets: SpecTarget list)
        (artifacts: SpecArtifact list)
        : Validation<CellSpec, ConfigProblem> =
        check Serving.S3Only None (checkId None id) [] [] [
            for target in targets -> Item.Read(SpecDraft.ofTarget target)
        ] [ for artifact in artifacts -> Item.Read(SpecDraft.ofArtifact artifact) ]

    /// The spec for any cell, as `createFor`.
    [<CompiledName("Create")>]
    let create
        (targets: SpecTarget list)
        (artifacts: SpecArtifact list)
        : Validation<CellSpec, ConfigProblem> =
        createFor null targets artifacts

    /// Why a cell id does not fit the spec: the spec is for another cell. `None` if it fits.
    [<CompiledName("OtherCell")>]
    let otherCell (cellId: CellId) (spec: CellSpec) : ConfigProblem option =
        match spec.id with
        | Some own when own <> cellId ->
            Some(
                ConfigProblem.inSpec
                    None
                    $"The spec is for the cell {Check.quote (CellId.value own)} ('id' of 'spec'), and the cell id is given as {Check.quote (CellId.value cellId)}. Correct one of them, or leave the given one out."
            )
        | _ -> None

    /// The spec with all paths of its artifacts relative to the artifact root, or the paths that are not below it. `roots` are
    /// the absolute paths that lead to the root.
    [<CompiledName("Below")>]
    let below (roots: string seq) (spec: CellSpec) : Validation<CellSpec, ConfigProblem> =
        let place (artifact: RoutedArtifact) =
            ArtifactPath.below roots artifact.Path
            |> SpecDraft.ofRefusal artifact.Line $"artifact {ArtifactName.quote artifact.Name}"
            |> Result.map (fun path -> { artifact with Path = path })

        validation {
            let! own = spec.artifacts |> List.traverseValidationA place
            and! others = spec.otherShards |> List.traverseValidationA place

            return {
                spec with
                    artifacts = own
                    otherShards = others
            }
        }

    /// The spec with one of its S3 targets and the artifacts for that; or what to say if it has none of this name.
    [<CompiledName("Only")>]
    let only (name: string) (spec: CellSpec) : Result<CellSpec, ConfigProblem> =
        let isThis (own: TargetName) = TargetName.value own = name

        match
            spec.targets |> List.filter (fun target -> isThis target.Name),
            spec.plain |> List.filter (fun target -> isThis target.Name)
        with
        | [], [] ->
            let known =
                [
                    for target in spec.targets -> $"'{target.Name}'"
                    for target in spec.plain -> $"'{target.Name}'"
                ]
                |> String.concat ", "

            let others =
                match spec.others |> List.tryFind (fun other -> other.Name = name) with
                | Some other ->
                    $" (it has one of kind {Check.quoteWord other.Kind}, which is not exported here)"
                | None -> ""

            let advice = if known = "" then "It has none." else $"Give one of {known}."

            Error(
                ConfigProblem.inSpec
                    None
                    (let kind = if spec.serving = Serving.S3Only then "S3 target" else "target"
                     $"The spec has no {kind} {Check.quoteWord name}{others}. {advice}")
            )
        | targets, plain ->
            let isFor (artifact: RoutedArtifact) = artifact.Target |> Option.exists isThis

            Ok {
                spec with
                    serving =
                        (match spec.serving with
                         | Serving.S3Only -> Serving.S3Only
                         | Serving.All _ -> Serving.All None)
                    targets = targets
                    plain = plain
                    others = []
                    otherArtifacts = []
                    findings =
                        spec.findings
                        |> List.filter (fun finding -> finding.Target.IsNone || finding.Target = Some name)
                    artifacts = spec.artifacts |> List.filter isFor
                    otherShards = spec.otherShards |> List.filter isFor
            }

    /// The spec with its default sink alone, and the artifacts for that.
    let private onlyFallback (spec: CellSpec) : Result<CellSpec, ConfigProblem> =
        match spec.serving with
        | Serving.All(Some _) ->
            Ok {
                spec with
                    targets = []
                    plain = []
                    others = []
                    otherArtifacts = []
                    artifacts = spec.artifacts |> List.filter _.Target.IsNone
                    otherShards = spec.otherShards |> List.filter _.Target.IsNone
            }
        | _ ->
            Error(
                ConfigProblem.inSpec
                    None
                    $"There is no default sink. Set {Variable.SharedLocalFolder} or {Variable.SharedHttpUrl}, or name a target."
            )

    /// The name of the one target of a narrowed spec; `None` for the default sink.
    let private nameOfOnly (spec: CellSpec) : TargetName option =
        match spec.targets, spec.plain with
        | target :: _, _ -> Some target.Name
        | [], target :: _ -> Some target.Name
        | [], [] -> None

    let private kindOf (spec: CellSpec) : TargetKind =
        match spec.targets, spec.plain with
        | [], target :: _ -> target.Kind
        | [], [] -> spec.Fallback |> Option.defaultValue TargetKind.S3
        | _ -> TargetKind.S3

    /// The spec with one of its S3 targets and these artifacts for it in place of its own: for a bundle that was
    /// gathered elsewhere. Each is below the artifact root by its name. What is wrong is reported at once.
    [<CompiledName("WithArtifacts")>]
    let withArtifacts
        (target: string)
        (names: string list)
        (spec: CellSpec)
        : Validation<CellSpec, ConfigProblem> =
        validation {
            let! narrowed =
                (if target = "" then onlyFallback spec else only target spec)
                |> Result.mapError List.singleton

            let target = nameOfOnly narrowed
            let kind = kindOf narrowed

            let! artifacts =
                names
                |> List.traverseValidationA (fun name ->
                    ArtifactName.create name
                    |> Result.bind (fun name ->
                        if kind = TargetKind.Local then
                            LocalName.create name |> Result.map (fun _ -> name)
                        else
                            Ok name)
                    |> Result.mapError (fun refusal -> [ ConfigProblem.inSpec None refusal.Message ]))

            return {
                narrowed with
                    artifacts =
                        artifacts
                        |> List.map (fun name -> {
                            RoutedArtifact.Name = name
                            Path = ArtifactName.value name
                            Target = target
                            Kind = kind
                            Line = None
                        })
            }
        }

    /// The spec with these artifacts in place of its own, for its targets and its default sink: those of a spool.
    [<CompiledName("WithRouted")>]
    let withRouted (artifacts: RoutedArtifact list) (spec: CellSpec) : CellSpec = {
        spec with
            artifacts = artifacts
            otherShards = []
            otherArtifacts = []
    }

    /// The spec with the artifacts of one shard. It remembers the others: a URL that names one object is not for two of them,
    /// whichever shards they belong to.
    [<CompiledName("OfShard")>]
    let ofShard (shard: Shard) (spec: CellSpec) : CellSpec =
        let own, others =
            spec.artifacts
            |> List.partition (fun artifact -> Shard.contains artifact.Name shard)

        {
            spec with
                artifacts = own
                shard = Some shard
                otherShards = spec.otherShards @ others
        }
