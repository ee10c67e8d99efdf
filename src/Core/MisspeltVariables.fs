namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Finds variables that nothing reads, and those that they were perhaps meant to be.
[<RequireQualifiedAccess>]
module internal MisspeltVariables =

    /// For at most so many unknown variables the nearest known one is looked for; fewer, where so many targets are
    /// known that it would take more than 10,000 comparisons.
    let private mostSuggestions (known: string list) =
        10_000 / known.Length |> min 20 |> max 1

    /// Variables that begin as ours do, or would if their case were right, and that nobody reads.
    let find (lookup: string -> string option) (names: string list) (targets: TargetName list) =
        let known = Variable.known targets
        let isKnown = HashSet(known, StringComparer.Ordinal)
        let inAnyCase = HashSet(known, StringComparer.OrdinalIgnoreCase)
        let isGiven = HashSet(names, StringComparer.Ordinal)

        // Where the case of a name does not count (Windows), one of another case is read all the same.
        let isRead (name: string) =
            match inAnyCase.TryGetValue name with
            | true, known -> not (isGiven.Contains known) && (lookup known).IsSome
            | _ -> false

        let unknown = SortedSet<string>(StringComparer.Ordinal)

        for name in names do
            if
                name.StartsWith(Variable.Prefix, StringComparison.OrdinalIgnoreCase)
                && not (isKnown.Contains name)
                && not (isRead name)
            then
                unknown.Add name |> ignore

        let mostSuggestions = mostSuggestions known

        [
            yield!
                unknown
                |> Seq.mapi (fun index name ->
                    name, (if index < mostSuggestions then Variable.nearest known name else None))

            // Those that are ours by mistake alone count only where the one that is meant is not set.
            yield!
                names
                |> Seq.filter (fun name -> not (isKnown.Contains name) && not (unknown.Contains name))
                |> Seq.sortWith (fun a b -> String.CompareOrdinal(a, b))
                |> Seq.choose (fun name ->
                    Variable.probablyMeant known name
                    |> Option.filter (fun meant -> (lookup meant).IsNone)
                    |> Option.map (fun meant -> name, Some meant))
                |> Seq.truncate mostSuggestions
        ]

    let toFinding (name: string, meant: string option) = {
        Id = FindingId.UnknownVariable
        Severity = Severity.Warning
        Target = None
        Variable = Check.shorten 120 (Check.plain name)
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
                        $"{NotSet} Nothing reads {Check.shorten 120 (Check.plain name)}, which is set: did you mean {meant}?{problem.Text.Substring NotSet.Length}"
              }
            | _ -> problem
        | _ -> problem
