namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Finds variables that nothing reads, and those that they were perhaps meant to be.
[<RequireQualifiedAccess>]
module internal MisspeltVariables =

    /// The words of a name in the order of the alphabet: some people swap them.
    let private sorted (name: string) =
        String.Join('_', name.Split('_', StringSplitOptions.RemoveEmptyEntries) |> Array.sort)

    /// No name is longer than 101 characters; what is far longer is near to none, and costs its length.
    let private upper (name: string) =
        (if name.Length > 120 then name.Substring(0, 120) else name).ToUpperInvariant()

    /// The nearest of some names, and how far it is; the first of several that are equally near. Neither case nor the order
    /// of the words counts.
    let private nearestOf (names: string list) (name: string) : struct (string option * int) =
        let given = upper name
        let givenSorted = sorted given

        (struct (None, Int32.MaxValue), names)
        ||> List.fold (fun (struct (_, least) as best) known ->
            let plain = EditDistance.between least given known
            // Swapped words are one change more than the same ones in order.
            let swapped = 1 + EditDistance.between (min least plain) givenSorted (sorted known)

            match min plain swapped with
            | found when found < least -> struct (Some known, found)
            | _ -> best)

    /// What follows the beginning of a variable of this library; some of them lack a part of it (`CELLOS_CA_BUNDLE`).
    let private own (name: string) =
        if name.StartsWith(Variable.Prefix, StringComparison.Ordinal) then
            name.Substring Variable.Prefix.Length
        elif name.StartsWith("CELLOS_EXPORT_SEAL_", StringComparison.Ordinal) then
            name.Substring "CELLOS_EXPORT_".Length
        elif name.StartsWith("CELLOS_", StringComparison.Ordinal) then
            name.Substring "CELLOS_".Length
        else
            name

    /// The known name that a name with this library's prefix is nearest to; `None` if more than half of it differs. The request
    /// timeout is found by the name of its option, too.
    let private nearest (names: string list) (name: string) : string option =
        let given = own (upper name)

        let parts =
            ("REQUEST_TIMEOUT_MS", Variable.RequestTimeout)
            :: [ for known in names -> own known, known ]

        match nearestOf (List.map fst parts) given with
        | struct (Some part, distance) when 2 * distance <= max part.Length given.Length ->
            parts |> List.find (fst >> (=) part) |> snd |> Some
        | _ -> None

    /// The beginnings of names that people give a variable of this library by mistake.
    let private mistaken = [
        "CELLOS_"
        "CELLO_"
        "CELLOS-"
        "AWS_CELLOS_"
        "AWS_EXPORT_"
        "AWS_S3_EXPORT_"
        "AWS_S3_PRESIGNED_"
        "AWS_PRESIGNED_"
        "S3_EXPORT_"
        "EXPORT_S3_"
        "S3_PRESIGNED_"
        "PRESIGNED_URL"
    ]

    /// Those of the family's other programs.
    let private ofFamily = [ "CELLOS_EXPORT_HTTP_"; "CELLOS_EXPORT_DIR" ]

    /// The known name that a name without this library's prefix was probably meant to be.
    let private probablyMeant (names: string list) (name: string) : string option =
        let given = upper name

        let startsWith (beginning: string) =
            given.StartsWith(beginning, StringComparison.Ordinal)

        if
            not (List.exists startsWith mistaken)
            || List.exists startsWith ofFamily
            || List.contains given names
        then
            None
        else
            match
                names
                |> List.tryFind (fun known ->
                    given.StartsWith("PRESIGNED_URL", StringComparison.Ordinal)
                    && known.EndsWith("_" + given, StringComparison.Ordinal)
                    || given.Length > 10 && known.StartsWith(given + "_", StringComparison.Ordinal)),
                nearestOf names name
            with
            | Some known, _ -> Some known
            | None, struct (Some known, distance) when distance * 3 <= known.Length -> Some known
            | _ -> None

    /// The most unknown variables for which the nearest known one is looked for. They take 10,000 comparisons at most.
    let private mostSuggestions (known: string list) =
        10_000 / known.Length |> min 20 |> max 1

    /// Variables that begin as ours do, or would if their case were right, and that are not read.
    let find
        (servesAll: bool)
        (lookup: string -> string option)
        (names: string list)
        (targets: TargetName list)
        =
        // Variables of other sinks belong to another program where this one serves S3 targets alone.
        let known =
            Variable.known targets
            |> List.filter (fun name -> servesAll || not (Variable.isOfOtherSink name))

        let isKnown = HashSet(known, StringComparer.Ordinal)
        let inAnyCase = HashSet(known, StringComparer.OrdinalIgnoreCase)
        let isGiven = HashSet(names, StringComparer.Ordinal)

        // Where the case of a name does not count (Windows), one of another case is read all the same.
        let isRead (name: string) =
            match inAnyCase.TryGetValue name with
            | true, known -> not (isGiven.Contains known) && (lookup known).IsSome
            | _ -> false

        let unknown = SortedSet<string>(StringComparer.Ordinal)

        let isOurs (name: string) =
            name.StartsWith(Variable.Prefix, StringComparison.OrdinalIgnoreCase)
            || servesAll
               && (Variable.isOfOtherSink name
                   || name.StartsWith(Variable.LegacyUrl, StringComparison.Ordinal))

        for name in names do
            if isOurs name && not (isKnown.Contains name) && not (isRead name) then
                unknown.Add name |> ignore

        let mostSuggestions = mostSuggestions known

        [
            yield!
                unknown
                |> Seq.mapi (fun index name ->
                    name, (if index < mostSuggestions then nearest known name else None))

            // Those that are ours by mistake alone count only where the one that is meant is not set.
            yield!
                names
                |> Seq.filter (fun name -> not (isKnown.Contains name) && not (unknown.Contains name))
                |> Seq.sortWith (fun a b -> String.CompareOrdinal(a, b))
                |> Seq.choose (fun name ->
                    probablyMeant known name
                    |> Option.filter (fun meant -> (lookup meant).IsNone)
                    |> Option.map (fun meant -> name, Some meant))
                |> Seq.truncate mostSuggestions
        ]

    let toFinding (name: string, meant: string option) = {
        Id = FindingId.UnknownVariable
        Severity = Severity.Warning
        Target = None
        Variable = Check.shorten 120 (Check.word name)
        What = "nothing reads this variable"
        Remedy =
            match meant with
            | Some meant -> $"Did you mean {meant}? Correct its name, or remove it."
            | None -> "Correct its name, or remove it."
    }

    [<Literal>]
    let private NotSet = "It is not set."

    /// A problem of a variable that is not set, with the variable that was perhaps meant to be it.
    let withMeant (unknown: (string * string option) list) (problem: ConfigProblem) =
        let suffix =
            problem.Variable
            |> Option.map (fun variable ->
                variable.Substring(variable.IndexOf("__", StringComparison.Ordinal) |> max 0))

        match suffix with
        | Some suffix when problem.Text.StartsWith(NotSet, StringComparison.Ordinal) ->
            let isOfTarget (_, meant: string option) =
                match meant with
                | Some meant -> meant.EndsWith(suffix, StringComparison.Ordinal) && UrlSetting.isSource meant
                | None -> false

            match List.tryFind isOfTarget unknown with
            | Some(name, Some meant) -> {
                problem with
                    Text =
                        $"{NotSet} {Check.shorten 120 (Check.plain name)} is set, and nothing reads it: did you mean {meant}?{problem.Text.Substring NotSet.Length}"
              }
            | _ -> problem
        | _ -> problem
