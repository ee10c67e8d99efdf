namespace CellOS.Export.S3.Core

/// A file that is to be exported under a name.
type BundleEntry = {
    /// The name that it goes under.
    Name: string
    /// Its path.
    Place: string
}

/// What is exported together, to one target. What a spec lists is judged with the spec (`CellSpec`), and what goes to
/// a sink with its batch (`BatchDraft`); here a file's place is what tells it from another.
[<RequireQualifiedAccess>]
module Bundle =

    /// Two paths may differ only far from where they begin.
    let private quote place = $"'{Shown.short 200 place}'"

    let private listed (places: string list) =
        let last = List.last places

        let others =
            places |> List.take (places.Length - 1) |> List.map quote |> String.concat ", "

        $"{others} and {quote last}"

    /// One refusal for each name that more than one entry has: the later one would overwrite the earlier one's object.
    /// In the order of the names.
    [<CompiledName("Duplicates")>]
    let duplicates (entries: BundleEntry seq) : Refusal list =
        entries
        |> Seq.groupBy _.Name
        |> Seq.map (fun (name, same) -> name, [ for entry in same -> entry.Place ])
        |> Seq.filter (fun (_, places) -> places.Length > 1)
        |> Seq.sortWith (fun (a, _) (b, _) -> System.String.CompareOrdinal(a, b))
        |> Seq.map (fun (name, places) -> {
            Subject = "artifact name"
            Problem = $"{Check.quote name} is given more than once: by {listed places}"
            Remedy = "Each artifact needs a name of its own; one would overwrite the other."
        })
        |> List.ofSeq
