namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// A target as a cell spec writes it, before anything is checked. Null and blank mean left out.
type SpecTarget = {
    Name: string | null
    /// `s3`, or the kind of another sink.
    Kind: string | null
    Bucket: string | null
    Region: string | null
    KeyPrefix: string | null
    Line: int option
}

/// An artifact as a cell spec writes it, before anything is checked. Null and blank mean left out.
type SpecArtifact = {
    Name: string | null
    /// Below the artifact root.
    Path: string | null
    /// The name of a target; may be left out where there is one.
    Target: string | null
    Line: int option
}

/// A target of kind `s3`.
type S3Target = {
    Name: TargetName
    Bucket: Bucket
    Region: string option
    KeyPrefix: KeyPrefix
    Line: int option
}

/// A target of another kind: somebody else's.
type OtherTarget = {
    Name: string
    Kind: string
    Line: int option
}

/// An artifact for an S3 target.
type S3Artifact = {
    Name: ArtifactName
    /// Relative, below the artifact root: no `..`, not absolute; `/` between its segments.
    Path: string
    Target: TargetName
    Line: int option
}

/// The exports of a cell: what goes where. Its values are checked; see `CellSpec.create`.
type CellSpec = private {
    targets: S3Target list
    others: OtherTarget list
    artifacts: S3Artifact list
} with

    /// In the order of the spec; names are unique, and so are their suffixes of environment variables.
    member this.Targets = this.targets
    /// Targets of other kinds, which this library leaves alone.
    member this.Others = this.others
    /// Those for the S3 targets; the others' are left out.
    member this.Artifacts = this.artifacts

/// Rules that this module keeps:
/// - all that is wrong is told at once, each with its line;
/// - a target of another kind is reported and does not disturb the S3 targets;
/// - unknown keys are ignored.
[<RequireQualifiedAccess>]
module CellSpec =

    /// The kind of target that this library serves.
    [<Literal>]
    let Kind = "s3"

    let private given (value: string | null) =
        match value with
        | NonNull value when not (String.IsNullOrWhiteSpace value) -> Some value
        | _ -> None

    let private problem line text =
        Error [ ConfigProblem.inSpec line text ]

    let private ofRefusal line (who: string) (result: Result<'a, Refusal>) =
        result
        |> Result.mapError (fun refusal -> [ ConfigProblem.inSpec line $"{who}: {refusal.Message}" ])

    let private required line (who: string) (key: string) (value: string | null) =
        match given value with
        | Some value -> Ok value
        | None -> problem line $"{who} has no '{key}'. Give one."

    let private labelOf (index: int) (name: string | null) =
        match given name with
        | Some name -> $"target {Check.quote name}"
        | None -> $"target {index + 1}"

    let private targetOf
        (index: int)
        (target: SpecTarget)
        : Validation<Choice<S3Target, OtherTarget>, ConfigProblem> =
        let who = labelOf index target.Name
        let line = target.Line

        match given target.Kind with
        | Some kind when not (kind.Trim().Equals(Kind, StringComparison.OrdinalIgnoreCase)) ->
            required line who "name" target.Name
            |> Result.map (fun name ->
                Choice2Of2 {
                    Name = name
                    Kind = kind
                    Line = line
                })
        | kind ->
            validation {
                let! name =
                    required line who "name" target.Name
                    |> Result.bind (TargetName.create >> ofRefusal line who)

                and! _ = required line who "kind" (Option.toObj kind)

                and! bucket =
                    required line who "bucket" target.Bucket
                    |> Result.bind (Bucket.create >> ofRefusal line who)

                and! keyPrefix =
                    KeyPrefix.create (given target.KeyPrefix |> Option.defaultValue "")
                    |> ofRefusal line who

                and! region = Region.parse target.Region |> ofRefusal line who

                return
                    Choice1Of2 {
                        Name = name
                        Bucket = bucket
                        Region = region
                        KeyPrefix = keyPrefix
                        Line = line
                    }
            }

    /// Two targets of one name, or whose variables would be the same.
    let private collisions (targets: SpecTarget list) =
        let named =
            targets
            |> List.choose (fun target ->
                given target.Name
                |> Option.bind (TargetName.create >> Result.toOption)
                |> Option.map (fun name -> name, target.Line))

        named
        |> List.groupBy (fst >> TargetName.envSuffix)
        |> List.collect (fun (suffix, group) ->
            match group with
            | (first, _) :: rest ->
                rest
                |> List.map (fun (name, line) ->
                    if name = first then
                        ConfigProblem.inSpec
                            line
                            $"There are two targets '{name}'. Give each a name of its own."
                    else
                        ConfigProblem.inSpec
                            line
                            $"The targets '{first}' and '{name}' have the same environment variables (…__{suffix}). Rename one of them.")
            | [] -> [])

    /// A relative path below the root, `/` between its segments and without `.`; or what is wrong with it.
    let private pathOf line (who: string) (value: string) =
        let segments = value.Split('/') |> Array.filter (fun segment -> segment <> ".")

        let wrong =
            match Check.unprintable value with
            | Some problem -> Some problem
            | None when value.StartsWith '/' || value.Contains '\\' || value.IndexOf ':' = 1 ->
                Some "is not relative to the artifact root"
            | None when Array.contains ".." segments -> Some "leads out of the artifact root ('..')"
            | None when Array.contains "" segments || segments.Length = 0 -> Some "has an empty segment"
            | None -> None

        match wrong with
        | None -> Ok(String.Join('/', segments))
        | Some wrong ->
            problem
                line
                $"{who}: the path {Check.quote value} {wrong}. Give a path below the artifact root, such as 'out/stdout.txt'."

    let private artifactOf
        (targets: SpecTarget list)
        (index: int)
        (artifact: SpecArtifact)
        : Validation<S3Artifact option, ConfigProblem> =
        let line = artifact.Line

        let who =
            match given artifact.Name with
            | Some name -> $"artifact {Check.quote name}"
            | None -> $"artifact {index + 1}"

        let isS3 (target: SpecTarget) =
            match given target.Kind with
            | Some kind -> kind.Trim().Equals(Kind, StringComparison.OrdinalIgnoreCase)
            | None -> true

        let target =
            match given artifact.Target, targets with
            | Some name, _ ->
                match targets |> List.tryFind (fun target -> target.Name = name) with
                | Some target -> Ok target
                | None ->
                    let known =
                        targets
                        |> List.choose (fun target -> given target.Name)
                        |> List.map Check.quote
                        |> String.concat ", "

                    problem
                        line
                        $"{who} is for the target {Check.quote name}, which the spec does not have. Its targets are {known}."
            | None, [ target ] -> Ok target
            | None, _ -> problem line $"{who} has no 'target', and the spec has several. Name one of them."

        match target with
        | Ok target when not (isS3 target) -> Ok None
        | target ->
            validation {
                let! name =
                    required line who "name" artifact.Name
                    |> Result.bind (ArtifactName.create >> ofRefusal line who)

                and! path = required line who "path" artifact.Path |> Result.bind (pathOf line who)

                and! target =
                    // What is wrong with the target's own name has been told with the target.
                    target
                    |> Result.map (fun target ->
                        given target.Name |> Option.bind (TargetName.create >> Result.toOption))

                return
                    target
                    |> Option.map (fun target -> {
                        Name = name
                        Path = path
                        Target = target
                        Line = line
                    })
            }

    /// One artifact under one name for one target: a second would overwrite it.
    let private duplicates (artifacts: S3Artifact list) =
        artifacts
        |> List.groupBy (fun artifact -> artifact.Target, artifact.Name)
        |> List.collect (fun ((target, name), group) ->
            group
            |> List.skip 1
            |> List.map (fun artifact ->
                ConfigProblem.inSpec
                    artifact.Line
                    $"The artifact {Check.quote (ArtifactName.value name)} is listed twice for the target '{target}'; the second would overwrite the first. Give each a name of its own."))

    let private gather (results: Validation<'a, ConfigProblem> list) : Validation<'a list, ConfigProblem> =
        List.sequenceValidationA results

    /// The spec, or all that is wrong with it at once: no target at all, missing or bad names, two targets with
    /// one name or with the same variables, artifacts for unknown targets, paths that leave the artifact root,
    /// one artifact twice.
    [<CompiledName("Create")>]
    let create
        (targets: SpecTarget list)
        (artifacts: SpecArtifact list)
        : Validation<CellSpec, ConfigProblem> =
        let problems found =
            match found with
            | [] -> Ok()
            | found -> Error found

        validation {
            let! _ =
                if targets.IsEmpty then
                    problem None "The spec has no targets. List at least one below 'export: targets:'."
                else
                    Ok()

            and! checkedTargets = targets |> List.mapi targetOf |> gather
            and! _ = problems (collisions targets)

            and! checkedArtifacts =
                validation {
                    let! found = artifacts |> List.mapi (artifactOf targets) |> gather
                    let found = found |> List.choose id
                    let! _ = problems (duplicates found)
                    return found
                }

            return {
                targets =
                    checkedTargets
                    |> List.choose (function
                        | Choice1Of2 target -> Some target
                        | Choice2Of2 _ -> None)
                others =
                    checkedTargets
                    |> List.choose (function
                        | Choice1Of2 _ -> None
                        | Choice2Of2 other -> Some other)
                artifacts = checkedArtifacts
            }
        }

    /// The spec with one of its S3 targets and the artifacts for that; or what to say if it has none of this name.
    [<CompiledName("Only")>]
    let only (name: string) (spec: CellSpec) : Result<CellSpec, ConfigProblem> =
        match spec.targets |> List.filter (fun target -> TargetName.value target.Name = name) with
        | [] ->
            let known =
                spec.targets
                |> List.map (fun target -> $"'{target.Name}'")
                |> String.concat ", "

            let others =
                match spec.others |> List.tryFind (fun other -> other.Name = name) with
                | Some other -> $" (it has one of kind {Check.quote other.Kind}, which is not exported here)"
                | None -> ""

            let advice = if known = "" then "It has none." else $"Give one of {known}."

            Error(ConfigProblem.inSpec None $"The spec has no S3 target {Check.quote name}{others}. {advice}")
        | targets ->
            Ok {
                targets = targets
                others = []
                artifacts =
                    spec.artifacts
                    |> List.filter (fun artifact -> TargetName.value artifact.Target = name)
            }
