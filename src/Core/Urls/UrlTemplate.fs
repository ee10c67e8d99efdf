namespace CellOS.Export.S3.Core

open System
open System.Buffers
open FsToolkit.ErrorHandling

/// A piece of a template: text as it stands there, or a placeholder, before the `?` or behind it.
[<RequireQualifiedAccess>]
type internal TemplatePiece =
    | Text of string
    | CellId of InPath: bool
    | ArtifactName of InPath: bool

/// Where a target's uploads go: one exact URL, or a template with placeholders. Both hold a credential.
[<Sealed>]
type UrlTemplate internal (value: string, sample: RequestUrl, pieces: TemplatePiece[]) =
    inherit MaskedUrl(value)

    /// The URL with `x` in the place of all names: for what is the same in all of them.
    member internal _.Sample = sample

    /// What it is put together from for each artifact.
    member internal _.Pieces = pieces

    /// Whether all its URLs have one query.
    member val internal HasOneQuery =
        pieces
        |> Array.forall (fun piece ->
            match piece with
            | TemplatePiece.Text _ -> true
            | TemplatePiece.CellId inPath
            | TemplatePiece.ArtifactName inPath -> inPath)

/// Rules that this module keeps:
/// - a URL without a placeholder is exact, and goes onto the wire octet for octet;
/// - a placeholder's value is percent-encoded byte by byte outside the unreserved set of RFC 3986 (2.3), so
///   it can neither end the path nor add a parameter; only the `/` of an artifact name stays, in the path;
/// - what can be refused, is refused by `parse`: rendering cannot fail.
[<RequireQualifiedAccess>]
module UrlTemplate =
    /// Stands for the cell id.
    [<Literal>]
    let CellIdPlaceholder = EncodedPlaceholder.CellId

    /// Stands for the artifact name.
    [<Literal>]
    let ArtifactNamePlaceholder = EncodedPlaceholder.ArtifactName

    let private placeholderRemedy =
        "The placeholders are "
        + CellIdPlaceholder
        + " and "
        + ArtifactNamePlaceholder
        + "; any other brace must come percent-encoded (%7B, %7D)."

    let private unreserved =
        SearchValues.Create "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"

    let private unreservedOrSlash =
        SearchValues.Create "-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"

    /// Percent-encodes a value; with `slashes`, its slashes stay.
    let internal encode (slashes: bool) (value: string) =
        let asTheyAre = if slashes then unreservedOrSlash else unreserved

        if value.AsSpan().IndexOfAnyExcept asTheyAre < 0 then
            value
        elif slashes then
            Uri.EscapeDataString(value).Replace("%2F", "/", StringComparison.Ordinal)
        else
            Uri.EscapeDataString value

    let private hasPlaceholder (text: string) =
        text.Contains(CellIdPlaceholder, StringComparison.Ordinal)
        || text.Contains(ArtifactNamePlaceholder, StringComparison.Ordinal)

    /// The text with both placeholders replaced, differently before and after the `?`.
    let private fill (inPath: string -> string) (inQuery: string -> string) (value: string) =
        let replace (encode: string -> string) (part: string) =
            part
                .Replace(CellIdPlaceholder, encode CellIdPlaceholder, StringComparison.Ordinal)
                .Replace(ArtifactNamePlaceholder, encode ArtifactNamePlaceholder, StringComparison.Ordinal)

        match value.IndexOf '?' with
        | -1 -> replace inPath value
        | i -> replace inPath (value.Substring(0, i)) + replace inQuery (value.Substring i)

    /// A brace that begins or ends no known placeholder. What stands between the braces is shown only if it
    /// looks like a name and stands in the path: before it there may be a password, after it is the query.
    let private unknownPlaceholder (value: string) =
        let bare = fill (fun _ -> "") (fun _ -> "") value

        match bare.IndexOfAny [| '{'; '}' |] with
        | -1 -> None
        | i ->
            let stop = bare.IndexOf('}', i)

            let isName (name: string) =
                name <> ""
                && name.Length <= 40
                && name |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '_' || c = '-')

            let inPath =
                match UrlAuthority.find bare with
                | ValueSome { Stop = pathStart } -> pathStart <= i
                | ValueNone -> false

            if bare.AsSpan(0, i).IndexOfAny('?', '#') >= 0 then
                Some "holds an unknown placeholder or a stray brace in its query"
            elif not inPath then
                Some "holds a stray brace before its path"
            elif bare[i] = '{' && stop > i && isName (bare.Substring(i + 1, stop - i - 1)) then
                Some $"holds the unknown placeholder {bare.Substring(i, stop - i + 1)}"
            else
                Some "holds a stray brace"

    let private inAuthority (value: string) =
        let before =
            match UrlAuthority.find value with
            | ValueSome { Stop = stop } -> value.Substring(0, stop)
            | ValueNone -> value

        hasPlaceholder before

    /// The pieces of a template without a stray brace, so that no placeholder stands within another.
    let private pieces (value: string) : TemplatePiece[] =
        let query =
            match value.IndexOf '?' with
            | -1 -> value.Length
            | i -> i

        let placeholderAt (first: int) =
            let at (name: string) =
                match value.IndexOf(name, first, StringComparison.Ordinal) with
                | -1 -> value.Length
                | i -> i

            let cell, artifact = at CellIdPlaceholder, at ArtifactNamePlaceholder

            if cell < artifact then
                struct (cell, CellIdPlaceholder.Length, TemplatePiece.CellId(cell < query))
            else
                struct (artifact, ArtifactNamePlaceholder.Length, TemplatePiece.ArtifactName(artifact < query))

        let found = ResizeArray<TemplatePiece>()
        let mutable next = 0

        while next < value.Length do
            let struct (first, length, placeholder) = placeholderAt next

            if first > next then
                found.Add(TemplatePiece.Text(value.Substring(next, first - next)))

            if first < value.Length then
                found.Add placeholder

            next <- first + length

        found.ToArray()

    /// A URL with or without placeholders, trimmed; or why it cannot be used. No message holds any part of
    /// its query.
    [<CompiledName("Parse")>]
    let parse (value: string) : Result<UrlTemplate, Refusal> =
        let value = RequestUrl.trim value

        match RequestUrl.mangling value, unknownPlaceholder value with
        | Some mangling, _ -> RequestUrl.refuseMangled mangling
        | None, Some problem -> Check.refuse "upload URL" problem placeholderRemedy
        // Without a scheme, that is what is wrong.
        | None, None when inAuthority value && (value.StartsWith '{' || value.Contains "://") ->
            Check.refuse
                "upload URL"
                "holds a placeholder before its path"
                "Placeholders may stand in the path and in the query; scheme, host and port are fixed."
        | None, None ->
            result {
                let! sample = RequestUrl.parse (fill (fun _ -> "x") (fun _ -> "x") value)
                let template = UrlTemplate(value, sample, pieces value)

                // The signature of an exact URL covers its key, which may contain such a text.
                return!
                    match EncodedPlaceholder.find value with
                    | Some placeholder when hasPlaceholder value || not sample.Query.CoversOneObject ->
                        Check.refuse
                            "upload URL"
                            (EncodedPlaceholder.problem placeholder)
                            (EncodedPlaceholder.remedy placeholder)
                    | _ -> Ok template
            }

    /// Whether the URL holds no placeholder, and so names one object only.
    [<CompiledName("IsExact")>]
    let isExact (template: UrlTemplate) =
        match template.Pieces with
        | [| TemplatePiece.Text _ |] -> true
        | _ -> false

    /// The URL for one artifact of one cell.
    [<CompiledName("Render")>]
    let render (cellId: CellId) (artifact: ArtifactName) (template: UrlTemplate) : RequestUrl =
        if isExact template then
            template.Sample
        else
            let texts = Array.zeroCreate<string> template.Pieces.Length

            for i in 0 .. texts.Length - 1 do
                texts[i] <-
                    match template.Pieces[i] with
                    | TemplatePiece.Text text -> text
                    | TemplatePiece.CellId inPath -> encode inPath (CellId.value cellId)
                    | TemplatePiece.ArtifactName inPath -> encode inPath (ArtifactName.value artifact)

            let value = String.Concat texts

            if template.HasOneQuery then
                RequestUrl.withOtherPath template.Sample value
            else
                RequestUrl.trust value

    /// The URL with `x` in the place of all names: for what is the same in all of them.
    let internal sample (template: UrlTemplate) : RequestUrl = template.Sample

    /// Whether every artifact of a cell gets the same URL: there is no `{artifact_name}` in it.
    [<CompiledName("NamesOneObject")>]
    let namesOneObject (template: UrlTemplate) =
        not (template.Value.Contains(ArtifactNamePlaceholder, StringComparison.Ordinal))

    /// Whether there is a `{cell_id}` in it.
    [<CompiledName("NamesCell")>]
    let namesCell (template: UrlTemplate) =
        template.Value.Contains(CellIdPlaceholder, StringComparison.Ordinal)

    /// What one artifact was sent to, a second one would overwrite. `first` is the artifact that went there before, if
    /// any.
    [<CompiledName("AdmitToObject")>]
    let admitToObject (first: ArtifactName option) (artifact: ArtifactName) : Result<unit, Refusal> =
        match first with
        | Some first when first <> artifact ->
            Check.refuse
                "upload URL"
                $"names one object and was used for the artifact {ArtifactName.quote first}; the artifact {ArtifactName.quote artifact} would overwrite it"
                $"Give each artifact a URL of its own, or a template with {ArtifactNamePlaceholder}."
        | _ -> Ok()

    /// The same for URLs that come one by one, for one target or several: what went to the object first, and what is to
    /// go there, with their addresses.
    [<CompiledName("AdmitToAddress")>]
    let admitToAddress
        (firstArtifact: ArtifactName)
        (firstDestination: Destination)
        (artifact: ArtifactName)
        (destination: Destination)
        : Result<unit, Refusal> =
        if firstDestination = destination then
            Ok()
        elif firstArtifact <> artifact then
            admitToObject (Some firstArtifact) artifact
        else
            Check.refuse
                "upload URL"
                $"names one object and was used for {Check.quote (Destination.value firstDestination)}; {Check.quote (Destination.value destination)} would overwrite it"
                "Give each target and each artifact a URL of its own."

    /// The same for a template: one with `{artifact_name}` has an object for each.
    [<CompiledName("Admit")>]
    let admit
        (first: ArtifactName option)
        (artifact: ArtifactName)
        (template: UrlTemplate)
        : Result<unit, Refusal> =
        if namesOneObject template then admitToObject first artifact else Ok()
