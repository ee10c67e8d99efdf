namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// An artifact for an S3 target.
type S3Artifact = {
    /// The artifact's name.
    Name: ArtifactName
    /// Below the artifact root, relative to it or absolute: no `..`; `/` between its segments. `CellSpec.below` makes it relative.
    Path: string
    /// The target that it goes to.
    Target: TargetName
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// An artifact for a sink of this library.
type RoutedArtifact = {
    /// The artifact's name.
    Name: ArtifactName
    /// As the path of an `S3Artifact`.
    Path: string
    /// The target that it goes to; `None` for the default sink.
    Target: TargetName option
    /// The kind of that target.
    Kind: TargetKind
    /// The line that it begins at, from 1, where that is known.
    Line: int option
} with

    /// The name of its target; empty for the default sink.
    member this.TargetText =
        match this.Target with
        | Some name -> TargetName.value name
        | None -> ""

/// The artifacts of a cell spec.
[<RequireQualifiedAccess>]
module internal SpecArtifacts =

    /// Whom an artifact is for.
    [<RequireQualifiedAccess>]
    type private Addressee =
        /// A target that the program serves; `None` for the default sink.
        | Served of TargetName option * TargetKind
        /// A target of another kind.
        | Other
        /// It cannot be said; why not has been told with the targets.
        | Unclear

    /// The most names of targets that are listed in a message.
    let private mostNames = 10

    let private addresseeOf (serving: Serving) (target: SpecTargetDraft) =
        match
            SpecTargets.otherKind target, SpecTargets.plainKind serving target, SpecTargets.nameOf target
        with
        | Some _, None, _ -> Addressee.Other
        | Some _, Some kind, Some name -> Addressee.Served(Some name, kind)
        | None, _, Some name -> Addressee.Served(Some name, TargetKind.S3)
        | _, _, None -> Addressee.Unclear

    let private fallbackOf (serving: Serving) =
        match serving with
        | Serving.S3Only -> None
        | Serving.All fallback -> fallback

    /// Finds whom an artifact is for.
    let private finder (serving: Serving) (targets: Item<SpecTargetDraft> list) =
        let byName = Dictionary<string, SpecTargetDraft>(StringComparer.Ordinal)
        let names = ResizeArray<string>()

        let mutable allAreNamed = true

        for target in targets do
            match target with
            | Item.Unreadable _ -> allAreNamed <- false
            | Item.Read target ->
                match SpecDraft.known target.Name with
                | None -> allAreNamed <- false
                | Some name when byName.TryAdd(name, target) -> names.Add name
                | Some _ -> ()

        let allAreNamed = allAreNamed

        let listed () =
            let first =
                names |> Seq.truncate mostNames |> Seq.map Check.quote |> String.concat ", "

            if names.Count > mostNames then first + ", …" else first

        let known () =
            if names.Count = 0 then "It has none." else $"Its targets are {listed ()}."

        fun (who: string) (artifact: SpecArtifactDraft) ->
            artifact.Target
            |> Result.bind (fun target ->
                match SpecDraft.given target, targets with
                | None, _ when (fallbackOf serving).IsSome ->
                    Ok(Addressee.Served(None, (fallbackOf serving).Value))
                | _, [] when (fallbackOf serving).IsNone -> Ok Addressee.Unclear
                | Some name, _ ->
                    match byName.TryGetValue name with
                    | true, target -> Ok(addresseeOf serving target)
                    | _ when not allAreNamed -> Ok Addressee.Unclear
                    | _ ->
                        SpecDraft.problem
                            artifact.Line
                            $"{who} is for the target {Check.quoteWord name}, which the spec does not have. {known ()}"
                | None, [ Item.Read target ] -> Ok(addresseeOf serving target)
                | None, [ Item.Unreadable _ ] -> Ok Addressee.Unclear
                | None, _ ->
                    SpecDraft.problem
                        artifact.Line
                        (match serving with
                         | Serving.S3Only ->
                             $"{who} has no 'target', and the spec has several. Name one of them."
                         | Serving.All _ ->
                             $"{who} has no 'target', and the spec has several. Name one of them, or set {Variable.SharedLocalFolder} or {Variable.SharedHttpUrl} for a default sink."))

    /// The name of an artifact that is not checked, as it is displayed.
    let private displayName (who: string) (artifact: SpecArtifactDraft) =
        match SpecDraft.known artifact.Name with
        | Some name -> Check.shorten 100 (Check.plain name)
        | None -> who

    /// The artifacts for targets that the program serves, and the names of those for other targets; or all that is wrong with
    /// the former.
    let check
        (serving: Serving)
        (targets: Item<SpecTargetDraft> list)
        (artifacts: Item<SpecArtifactDraft> list)
        : Validation<RoutedArtifact list * string list, ConfigProblem> =
        let find = finder serving targets
        let seen = HashSet<string>(StringComparer.Ordinal)

        /// One artifact under one name for one target: a second would overwrite it.
        let unique
            line
            (addressee: Result<Addressee, ConfigProblem list>)
            (name: Result<ArtifactName, ConfigProblem list>)
            =
            match addressee, name with
            | Ok(Addressee.Served(target, _)), Ok name when
                // No target has a '/' in its name.
                not (
                    seen.Add(
                        (target |> Option.map TargetName.value |> Option.defaultValue "")
                        + "/"
                        + ArtifactName.value name
                    )
                )
                ->
                let where =
                    match target with
                    | Some target -> $"the target '{target}'"
                    | None -> "the default sink"

                SpecDraft.problem
                    line
                    $"The artifact {ArtifactName.quote name} is listed twice for {where}; the second would overwrite the first. Give each a name of its own."
            | _ -> Ok()

        let one (index: int) (artifact: SpecArtifactDraft) =
            let line = artifact.Line
            let who = SpecDraft.label "artifact" index artifact.Name

            match find who artifact with
            | Ok Addressee.Other -> Ok(Some(Choice2Of2(displayName who artifact)))
            | addressee ->
                let isFile =
                    match addressee with
                    | Ok(Addressee.Served(_, TargetKind.Local)) -> true
                    | _ -> false

                let name =
                    SpecDraft.required line who "name" artifact.Name
                    |> Result.bind (fun text ->
                        ArtifactName.create text
                        |> Result.bind (fun name ->
                            if isFile then LocalName.create name |> Result.map (fun _ -> name) else Ok name)
                        |> SpecDraft.ofRefusal line who)

                validation {
                    let! name = name

                    and! path =
                        SpecDraft.required line who "path" artifact.Path
                        |> Result.bind (ArtifactPath.create >> SpecDraft.ofRefusal line who)

                    and! target = addressee
                    and! _ = unique line addressee name

                    return
                        match target with
                        | Addressee.Served(target, kind) ->
                            Some(
                                Choice1Of2 {
                                    RoutedArtifact.Name = name
                                    Path = path
                                    Target = target
                                    Kind = kind
                                    Line = line
                                }
                            )
                        | Addressee.Other
                        | Addressee.Unclear -> None
                }

        artifacts
        |> SpecDraft.gather one
        |> Result.map (fun found ->
            let found = List.choose id found

            [
                for artifact in found do
                    match artifact with
                    | Choice1Of2 artifact -> artifact
                    | Choice2Of2 _ -> ()
            ],
            [
                for artifact in found do
                    match artifact with
                    | Choice1Of2 _ -> ()
                    | Choice2Of2 name -> name
            ])

    /// Those for S3 targets.
    let ofS3 (artifacts: RoutedArtifact list) : S3Artifact list = [
        for artifact in artifacts do
            match artifact.Target with
            | Some target when artifact.Kind = TargetKind.S3 -> {
                Name = artifact.Name
                Path = artifact.Path
                Target = target
                Line = artifact.Line
              }
            | _ -> ()
    ]
