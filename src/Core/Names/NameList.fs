namespace CellOS.Export.S3.Core

/// What to say of a name that is not in a list.
[<RequireQualifiedAccess>]
module NameList =

    /// The number of names that a sentence lists at most.
    [<Literal>]
    let private Most = 10

    let private quoted (names: string list) =
        names |> List.map Check.quoteWord |> String.concat ", "

    /// `There is no target 'x'.` with the nearest of the names, and the names that there are. `thing` is what the names are of,
    /// in the singular: `target`.
    [<CompiledName("Missing")>]
    let missing (thing: string) (names: string seq) (given: string) : string =
        let names = List.ofSeq names

        let lower (name: string) = name.ToLowerInvariant()

        let nearest =
            EditDistance.nearest (List.map lower names) (lower given)
            |> Option.bind (fun near -> names |> List.tryFind (fun name -> lower name = near))
            |> Option.map (fun name -> $" Did you mean {Check.quoteWord name}?")
            |> Option.defaultValue ""

        let known =
            match names with
            | [] -> $"No {thing} is configured."
            | names when names.Length <= Most -> $"Configured: {quoted names}."
            | names -> $"Configured: {quoted (List.truncate Most names)} and {names.Length - Most} more."

        $"There is no {thing} {Check.quoteWord given}.{nearest} {known}"
