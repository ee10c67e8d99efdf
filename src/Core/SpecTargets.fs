namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// A target of kind `s3`.
type S3Target = {
    Name: TargetName
    Bucket: Bucket
    Region: string option
    KeyPrefix: KeyPrefix
    Line: int option
}

/// A target of another kind: somebody else's. Its texts are fit to be shown.
type OtherTarget = {
    Name: string
    Kind: string
    Line: int option
}

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

    let nameOf (target: SpecTargetDraft) =
        SpecDraft.known target.Name
        |> Option.bind (TargetName.create >> Result.toOption)

    let private shown (value: string) = Check.shorten 100 (Check.plain value)

    /// A value that stands in receipts, and so must be no URL: somebody else's store may take a `?` in a bucket,
    /// but a presigned URL that was pasted in its place must not come out again.
    let private noUrl line (who: string) (key: string) (value: string) =
        if Redaction.looksLikeUrl value then
            SpecDraft.problem
                line
                $"{who}: its '{key}' is {Check.quote value}, a URL or a part of one, and would stand in every receipt. Give the bare {key}; the URL belongs into the environment."
        else
            Ok value

    let private s3 (who: string) (target: SpecTargetDraft) =
        let line = target.Line

        validation {
            let! name =
                SpecDraft.required line who "name" target.Name
                |> Result.bind (TargetName.create >> SpecDraft.ofRefusal line who)

            and! _ = SpecDraft.required line who "kind" target.Kind

            and! bucket =
                SpecDraft.required line who "bucket" target.Bucket
                |> Result.bind (noUrl line who "bucket")
                |> Result.bind (Bucket.create >> SpecDraft.ofRefusal line who)

            and! region =
                target.Region |> Result.bind (Region.parse >> SpecDraft.ofRefusal line who)

            and! keyPrefix =
                target.KeyPrefix
                |> Result.map (SpecDraft.given >> Option.defaultValue "")
                |> Result.bind (noUrl line who "keyPrefix")
                |> Result.bind (KeyPrefix.create >> SpecDraft.ofRefusal line who)

            return
                Choice1Of2 {
                    Name = name
                    Bucket = bucket
                    Region = region
                    KeyPrefix = keyPrefix
                    Line = line
                }
        }

    /// For each set of variables the first target that has it, if one of those that have it is an S3 target:
    /// what other kinds do among themselves is not for this library to judge.
    let private owners (targets: SpecTargetDraft list) =
        targets
        |> List.choose (fun target -> nameOf target |> Option.map (fun name -> name, target))
        |> List.groupBy (fst >> TargetName.envSuffix)
        |> List.choose (fun (suffix, group) ->
            if group |> List.exists (fun (_, target) -> (otherKind target).IsNone) then
                Some(suffix, group.Head)
            else
                None)
        |> Map.ofList

    let private collision (owners: Map<string, TargetName * SpecTargetDraft>) (target: SpecTargetDraft) =
        match nameOf target with
        | None -> Ok()
        | Some name ->
            let suffix = TargetName.envSuffix name

            match owners.TryFind suffix with
            | Some(_, owner) when obj.ReferenceEquals(owner, target) -> Ok()
            | Some(first, _) when first = name ->
                SpecDraft.problem target.Line $"There are two targets '{name}'. Give each a name of its own."
            | Some(first, _) ->
                SpecDraft.problem
                    target.Line
                    $"The targets '{first}' and '{name}' have the same environment variables (…__{suffix}). Rename one of them."
            | None -> Ok()

    /// The targets, or all that is wrong with them: missing or bad values, two targets of one name or with the
    /// same variables.
    let check
        (targets: Validation<SpecTargetDraft, ConfigProblem> list)
        : Validation<Choice<S3Target, OtherTarget> list, ConfigProblem> =
        let owners = targets |> List.choose Result.toOption |> owners

        targets
        |> List.mapi (fun index target ->
            target
            |> Result.bind (fun target ->
                let who = SpecDraft.label "target" index target.Name

                validation {
                    let! result =
                        match otherKind target with
                        | None -> s3 who target
                        | Some kind ->
                            SpecDraft.required target.Line who "name" target.Name
                            |> Result.map (fun name ->
                                Choice2Of2 {
                                    Name = shown name
                                    Kind = shown kind
                                    Line = target.Line
                                })

                    and! _ = collision owners target
                    return result
                }))
        |> SpecDraft.gather
