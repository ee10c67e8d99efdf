namespace CellOS.Export.S3.Core

open System
open System.Globalization
open FsToolkit.ErrorHandling

/// A target as a cell spec writes it, before anything is checked. Null and blank mean left out.
type SpecTarget = {
    /// The target's name.
    Name: string | null
    /// `s3`, or the kind of another sink.
    Kind: string | null
    /// The bucket of its logical addresses.
    Bucket: string | null
    /// The region of the bucket.
    Region: string | null
    /// What stands before the cell id in keys.
    KeyPrefix: string | null
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// An artifact as a cell spec writes it, before anything is checked. Null and blank mean left out.
type SpecArtifact = {
    /// The artifact's name.
    Name: string | null
    /// Below the artifact root.
    Path: string | null
    /// The name of a target; may be left out where there is one.
    Target: string | null
    /// The line that it begins at, from 1, where that is known.
    Line: int option
}

/// The value of a key as a reader found it: a text, null where there is none, or why it is no text.
type internal DraftText = Validation<string | null, ConfigProblem>

/// An item of a list as a reader found it, or why it cannot be read.
[<RequireQualifiedAccess>]
type internal Item<'a> =
    | Read of 'a
    | Unreadable of ConfigProblem list

/// A target of which some keys may not have been readable: that is reported together with what else is wrong.
type internal SpecTargetDraft = {
    Name: DraftText
    Kind: DraftText
    Bucket: DraftText
    Region: DraftText
    KeyPrefix: DraftText
    Line: int option
}

/// An artifact of which some keys may not have been readable.
type internal SpecArtifactDraft = {
    Name: DraftText
    Path: DraftText
    Target: DraftText
    Line: int option
}

[<RequireQualifiedAccess>]
module internal SpecDraft =

    let ofTarget (target: SpecTarget) : SpecTargetDraft = {
        Name = Ok target.Name
        Kind = Ok target.Kind
        Bucket = Ok target.Bucket
        Region = Ok target.Region
        KeyPrefix = Ok target.KeyPrefix
        Line = target.Line
    }

    let ofArtifact (artifact: SpecArtifact) : SpecArtifactDraft = {
        Name = Ok artifact.Name
        Path = Ok artifact.Path
        Target = Ok artifact.Target
        Line = artifact.Line
    }

    let given (value: string | null) =
        match value with
        | NonNull value when not (String.IsNullOrWhiteSpace value) -> Some value
        | _ -> None

    /// The text of a key; `None` where it is left out or could not be read.
    let known (value: DraftText) =
        value |> Result.toOption |> Option.bind given

    /// ` (line 7)`, where the line is known.
    let inLine (line: int option) =
        match line with
        | Some line -> Check.invariant $" (line {line})"
        | None -> ""

    let problem line text =
        Error [ ConfigProblem.inSpec line text ]

    let inline ofRefusal line (who: string) (result: Result<'a, Refusal>) =
        result
        |> Result.mapError (fun refusal -> [ ConfigProblem.inSpec line $"{who}: {refusal.Message}" ])

    let required line (who: string) (key: string) (value: DraftText) =
        value
        |> Result.bind (fun value ->
            match given value with
            | Some value -> Ok value
            | None -> problem line $"{who} has no '{key}'. Give one.")

    /// `target 2`, from an index that begins with 0. It is made for each item, so without the machinery of a format.
    let numbered (what: string) (index: int) =
        what + " " + (index + 1).ToString CultureInfo.InvariantCulture

    /// What the n-th of several things is called, by its name where it has one.
    let label (what: string) (index: int) (name: DraftText) =
        match known name with
        | Some name -> $"{what} {Check.quote name}"
        | None -> numbered what index

    /// What all the items come to, or all that is wrong in the order of the spec.
    let inline gather
        ([<InlineIfLambda>] check: int -> 'a -> Validation<'b, ConfigProblem>)
        (items: Item<'a> list)
        : Validation<'b list, ConfigProblem> =
        let found = ResizeArray<'b>()
        let problems = ResizeArray<ConfigProblem>()
        let mutable index = 0

        for item in items do
            match item with
            | Item.Unreadable wrong -> problems.AddRange wrong
            | Item.Read draft ->
                match check index draft with
                | Ok value -> found.Add value
                | Error wrong -> problems.AddRange wrong

            index <- index + 1

        if problems.Count = 0 then
            Ok [ for value in found -> value ]
        else
            Error [ for problem in problems -> problem ]
