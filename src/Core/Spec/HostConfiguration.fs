namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Globalization
open FsToolkit.ErrorHandling

/// A spec and variables in a host's layered configuration: entries of a path, whose parts are joined by `:`, and a
/// value (Microsoft.Extensions.Configuration). An object has the names of its fields as parts, a list has 0, 1, 2 …
///
/// Rules that this module keeps:
/// - the case of a part does not count;
/// - `__` in the name of an environment variable is `:` in its path, so both stand for the same variable;
/// - a target may be named as it is: `…_MAX_ATTEMPTS:artifact-bucket` is `…_MAX_ATTEMPTS__ARTIFACT_BUCKET`;
/// - of several spellings the one counts that the environment would give (`…_MAX_ATTEMPTS:ARTIFACT_BUCKET`), then
///   one with `:`, then that with `__`: the environment is laid over files, and must not lose to one.
[<RequireQualifiedAccess>]
module HostConfiguration =

    /// What all variables of this library begin with.
    let private family = "CELLOS_"

    /// What has a `?` in it is a URL in the place of a name. Names are shown, so it ends where a secret may begin.
    let private withoutQuery (path: string) =
        match path.IndexOf '?' with
        | -1 -> path
        | query -> path.Substring(0, query)

    let private variable (path: string) =
        (withoutQuery path).Replace(":", "__")
        |> String.map (fun c -> if Char.IsAsciiLetterOrDigit c then Char.ToUpperInvariant c else '_')

    /// How near a path is to what a host makes of a variable's name in its environment.
    let private rank (path: string) =
        if not (path.Contains ':') then
            0
        elif not (path.Equals((variable path).Replace("__", ":"), StringComparison.OrdinalIgnoreCase)) then
            1
        else
            2

    /// The variables among the entries, by their names in the environment. Entries without a value are ignored.
    [<CompiledName("Variables")>]
    let variables
        (entries: KeyValuePair<string, string | null> seq)
        : IReadOnlyDictionary<string, string | null> =
        let found = Dictionary<string, string | null>(StringComparer.Ordinal)

        entries
        |> Seq.filter (fun entry ->
            not (isNull entry.Value)
            && entry.Key.StartsWith(family, StringComparison.OrdinalIgnoreCase))
        |> Seq.sortBy (fun entry -> rank entry.Key)
        |> Seq.iter (fun entry -> found[variable entry.Key] <- entry.Value)

        found

    type private Tree() =
        member val Value: string | null = null with get, set
        member val Below = Dictionary<string, Tree>(StringComparer.OrdinalIgnoreCase)

    let private index (part: string) =
        match Int32.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture) with
        | true, index -> Some index
        | _ -> None

    let rec private node (tree: Tree) : SpecNode =
        let parts = List.ofSeq tree.Below

        match parts |> List.map (fun part -> index part.Key) with
        | [] ->
            match tree.Value with
            | NonNull value when value <> "" -> SpecNode.Scalar(0, value, false)
            // Nothing, an empty list and an empty object look alike here.
            | _ -> SpecNode.Scalar(0, "", true)
        | indices when indices |> List.forall Option.isSome ->
            List.zip indices parts
            |> List.sortBy fst
            |> List.map (fun (_, part) -> node part.Value)
            |> Array.ofList
            |> fun items -> SpecNode.Sequence(0, items)
        | _ ->
            parts
            |> List.map (fun part -> struct (SpecReader.canonical part.Key, node part.Value))
            |> Array.ofList
            |> fun entries -> SpecNode.Mapping(0, entries)

    let private isBelow (part: string) (key: string) =
        key.StartsWith(part, StringComparison.OrdinalIgnoreCase)
        && (key.Length = part.Length || key[part.Length] = ':')

    /// The part of a configuration that is read: what is below `export` if it has that, else the whole of it, which is that section
    /// itself then. Its paths begin there. A section and the whole configuration are both understood.
    let private section
        (entries: KeyValuePair<string, string | null> seq)
        : IReadOnlyList<KeyValuePair<string, string | null>> =
        let all = List.ofSeq entries

        match all |> List.filter (fun entry -> isBelow "export" entry.Key) with
        | [] -> [
            for entry in all do
                if
                    all
                    |> List.exists (fun entry -> isBelow "targets" entry.Key || isBelow "artifacts" entry.Key)
                then
                    entry
          ]
        | export -> [
            for entry in export do
                if entry.Key.Length > "export:".Length then
                    KeyValuePair(entry.Key.Substring "export:".Length, entry.Value)
          ]
        :> IReadOnlyList<_>

    /// The document in the entries below `export`.
    let private exportOf (entries: KeyValuePair<string, string | null> seq) : SpecNode =
        let root = Tree()

        for entry in section entries do
            let mutable tree = root

            for part in entry.Key.Split ':' do
                match tree.Below.TryGetValue part with
                | true, below -> tree <- below
                | _ ->
                    let below = Tree()
                    tree.Below[part] <- below
                    tree <- below

            tree.Value <- entry.Value

        if root.Below.Count = 0 then SpecNode.Mapping(0, [||]) else node root

    /// The cell spec in a host's configuration, or in its section `export` (`section`), or all that is wrong with it at once.
    [<CompiledName("Spec")>]
    let spec (entries: KeyValuePair<string, string | null> seq) : Validation<CellSpec, ConfigProblem> =
        SpecReader.readExport (exportOf entries)

    /// The same for a program that serves targets of all kinds, as `SpecReader.readFor`.
    [<CompiledName("SpecFor")>]
    let specFor
        (fallback: TargetKind option)
        (entries: KeyValuePair<string, string | null> seq)
        : Validation<CellSpec, ConfigProblem> =
        SpecReader.readExportFor fallback (exportOf entries)
