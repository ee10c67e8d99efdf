namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// A target of kind `s3`.
type S3Target = {
    /// The target's name.
    Name: TargetName
    /// The bucket of its logical addresses.
    Bucket: Bucket
    /// The region of the bucket.
    Region: string option
    /// What stands before the cell id in keys.
    KeyPrefix: KeyPrefix
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// A target of kind `local` or `http`: its settings come from the environment.
type PlainTarget = {
    /// The target's name.
    Name: TargetName
    /// Its kind.
    Kind: TargetKind
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// A target of another kind: somebody else's. Its texts are fit to be shown.
type OtherTarget = {
    /// The target's name.
    Name: string
    /// Its kind.
    Kind: string
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// The targets that a program serves.
[<RequireQualifiedAccess>]
type internal Serving =
    /// Those of kind `s3`.
    | S3Only
    /// Those of all kinds that this library has a sink for. Artifacts without a target go to the default sink, whose kind the
    /// environment names, or to the single target.
    | All of Fallback: TargetKind option

/// A target that was checked.
[<RequireQualifiedAccess>]
type internal SpecItem =
    | S3 of S3Target
    | Plain of PlainTarget
    | Other of OtherTarget

/// The targets of a cell spec.
[<RequireQualifiedAccess>]
module internal SpecTargets =

    /// The kind of target that this library serves.
    [<Literal>]
    let Kind = "s3"

    /// The kind of a target that is known to be somebody else's.
    let otherKind (target: SpecTargetDraft) =
        SpecDraft.known target.Kind
        |> Option.filter (fun text -> not (text.Trim().Equals(Kind, StringComparison.OrdinalIgnoreCase)))

    /// The kind of a target of kind `local` or `http`, if the program serves it.
    let plainKind (serving: Serving) (target: SpecTargetDraft) : TargetKind option =
        match serving with
        | Serving.S3Only -> None
        | Serving.All _ -> otherKind target |> Option.bind TargetKind.tryParse

    let nameOf (target: SpecTargetDraft) =
        SpecDraft.known target.Name
        |> Option.bind (TargetName.create >> Result.toOption)

    let private shown (value: string) = Check.shorten 100 (Check.plain value)

    /// The kinds of targets for which the family has a sink.
    let private knownKinds = [ Kind; "local"; "http" ]

    /// The targets whose kind no sink has.
    let unknownKinds (targets: Item<SpecTargetDraft> list) : Finding list =
        let isKnown (kind: string) =
            knownKinds
            |> List.exists (fun known -> known.Equals(kind.Trim(), StringComparison.OrdinalIgnoreCase))

        [
            for target in targets do
                match target with
                | Item.Unreadable _ -> ()
                | Item.Read target ->
                    match otherKind target with
                    | Some kind when not (isKnown kind) ->
                        let suggestion =
                            match Variable.nearKey knownKinds kind with
                            | Some near -> $"Write '{near}' if that is meant: the target is not exported."
                            | None ->
                                "The kinds are s3, local and http: a target of another kind is not exported."

                        {
                            Id = FindingId.UnknownKind
                            Severity = Severity.Warning
                            Target = SpecDraft.known target.Name |> Option.map shown
                            Variable = "kind"
                            What =
                                $"no sink has the kind {Check.quoteWord kind}{SpecDraft.inLine target.Line}"
                            Remedy = suggestion
                        }
                    | _ -> ()
        ]

    let private s3 (who: string) (target: SpecTargetDraft) : Validation<SpecItem, ConfigProblem> =
        let line = target.Line

        validation {
            let! name =
                SpecDraft.required line who "name" target.Name
                |> Result.bind (TargetName.create >> SpecDraft.ofRefusal line who)

            and! _ = SpecDraft.required line who "kind" target.Kind

            and! bucket =
                SpecDraft.required line who "bucket" target.Bucket
                |> Result.bind (Bucket.create >> SpecDraft.ofRefusal line who)

            and! region =
                target.Region |> Result.bind (Region.parse >> SpecDraft.ofRefusal line who)

            and! keyPrefix =
                target.KeyPrefix
                |> Result.map (SpecDraft.given >> Option.defaultValue "")
                |> Result.bind (KeyPrefix.create >> SpecDraft.ofRefusal line who)

            return
                SpecItem.S3 {
                    Name = name
                    Bucket = bucket
                    Region = region
                    KeyPrefix = keyPrefix
                    Line = line
                }
        }

    /// The first target that has a set of variables.
    type private Owner = {
        Name: TargetName
        First: SpecTargetDraft
        /// True if the program serves one of those that have it: what others do among themselves is not for this library to
        /// judge.
        IsServed: bool
    }

    /// For each set of variables the first target that has it.
    let private owners (serving: Serving) (targets: Item<SpecTargetDraft> list) =
        let owners = Dictionary<string, Owner>(StringComparer.Ordinal)

        for target in targets do
            match target with
            | Item.Unreadable _ -> ()
            | Item.Read target ->
                match nameOf target with
                | None -> ()
                | Some name ->
                    let suffix = TargetName.envSuffix name
                    let isServed = (otherKind target).IsNone || (plainKind serving target).IsSome

                    match owners.TryGetValue suffix with
                    | true, owner ->
                        owners[suffix] <- {
                            owner with
                                IsServed = owner.IsServed || isServed
                        }
                    | _ ->
                        owners[suffix] <- {
                            Name = name
                            First = target
                            IsServed = isServed
                        }

        owners

    let private collision (owners: Dictionary<string, Owner>) (target: SpecTargetDraft) =
        match nameOf target with
        | None -> Ok()
        | Some name ->
            let suffix = TargetName.envSuffix name

            match owners.TryGetValue suffix with
            | true, owner when not owner.IsServed || obj.ReferenceEquals(owner.First, target) -> Ok()
            | true, { Name = first } when first = name ->
                SpecDraft.problem target.Line $"There are two targets '{name}'. Give each a name of its own."
            | true, { Name = first } ->
                SpecDraft.problem
                    target.Line
                    $"The targets '{first}' and '{name}' have the same environment variables (…__{suffix}). Rename one of them."
            | _ -> Ok()

    /// The targets, or all that is wrong with them: missing or bad values, two targets of one name or with the
    /// same variables.
    let check
        (serving: Serving)
        (targets: Item<SpecTargetDraft> list)
        : Validation<SpecItem list, ConfigProblem> =
        let owners = owners serving targets

        let plain line who kind name =
            TargetName.create name
            |> SpecDraft.ofRefusal line who
            |> Result.map (fun name ->
                SpecItem.Plain {
                    Name = name
                    Kind = kind
                    Line = line
                })

        targets
        |> SpecDraft.gather (fun index target ->
            let who = SpecDraft.label "target" index target.Name

            validation {
                let! result =
                    match otherKind target, plainKind serving target with
                    | None, _ -> s3 who target
                    | Some _, Some kind ->
                        SpecDraft.required target.Line who "name" target.Name
                        |> Result.bind (plain target.Line who kind)
                    | Some kind, None ->
                        SpecDraft.required target.Line who "name" target.Name
                        |> Result.map (fun name ->
                            SpecItem.Other {
                                Name = shown name
                                Kind = shown kind
                                Line = target.Line
                            })

                and! _ = collision owners target
                return result
            })
