namespace CellOS.Export.S3.Core

/// An artifact that is to be exported: its name, the target that takes it, and where it comes from.
type BundleEntry = {
    /// None where there is one target, or none is named.
    Target: string option
    Name: string
    /// A file's path, or a place in a spec.
    Place: string
}

/// What is exported together.
[<RequireQualifiedAccess>]
module Bundle =

    /// Two paths may differ only far from where they begin.
    let private quote place = $"'{Shown.short 200 place}'"

    let private listed (places: string list) =
        let last = List.last places

        let others =
            places |> List.take (places.Length - 1) |> List.map quote |> String.concat ", "

        $"{others} and {quote last}"

    /// One refusal for each name that more than one entry has for the same target: the later one would overwrite the
    /// earlier one's object. In the order of the names.
    [<CompiledName("Duplicates")>]
    let duplicates (entries: BundleEntry seq) : Refusal list =
        entries
        |> Seq.groupBy (fun entry -> entry.Target, entry.Name)
        |> Seq.choose (fun ((target, name), same) ->
            match [ for entry in same -> entry.Place ] with
            | []
            | [ _ ] -> None
            | places ->
                let for' =
                    match target with
                    | Some target -> $" for the target {Check.quote target}"
                    | None -> ""

                Some(
                    (target, name),
                    {
                        Subject = "artifact name"
                        Problem = $"{Check.quote name} is given more than once{for'}: by {listed places}"
                        Remedy = "Each artifact needs a name of its own; one would overwrite the other."
                    }
                ))
        |> Seq.sortWith (fun ((target, name), _) ((target', name'), _) ->
            match compare target target' with
            | 0 -> System.String.CompareOrdinal(name, name')
            | order -> order)
        |> Seq.map snd
        |> List.ofSeq
