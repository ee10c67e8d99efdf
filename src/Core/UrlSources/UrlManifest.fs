namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// Places in a text, by the hash of what appears there. Its size is fixed: ten bytes a place.
[<Sealed>]
type internal PlaceTable(count: int) =
    // The hash above, the place and one below: 0 is a slot that is free. One slot in five stays free.
    let slots: uint64[] = Array.zeroCreate (count + count / 4 + 1)

    let rec find (hash: uint32) (isSame: int -> bool) (slot: int) =
        let here = slots[slot]

        if here = 0UL || (uint32 (here >>> 32) = hash && isSame (int (uint32 here) - 1)) then
            slot
        else
            find hash isSame (if slot + 1 = slots.Length then 0 else slot + 1)

    let slotFor (hash: uint32) isSame =
        find hash isSame (int ((uint64 hash * uint64 slots.Length) >>> 32))

    /// Returns the place whose text has the hash and is the same.
    member _.TryFind(hash: int, isSame: int -> bool) : int voption =
        match slots[slotFor (uint32 hash) isSame] with
        | 0UL -> ValueNone
        | found -> ValueSome(int (uint32 found) - 1)

    /// Adds a place, unless one whose text is the same is known already: returns that one.
    member _.TryAdd(hash: int, place: int, isSame: int -> bool) : int voption =
        let slot = slotFor (uint32 hash) isSame

        match slots[slot] with
        | 0UL ->
            slots[slot] <- (uint64 (uint32 hash) <<< 32) ||| uint64 (place + 1)
            ValueNone
        | found -> ValueSome(int (uint32 found) - 1)

/// Presigned URLs by artifact, as a manifest file gives them: the file's own bytes, and where its entries begin. A URL is
/// made when it is asked for. They are credentials: `ToString` tells their number.
[<Sealed>]
type UrlManifest internal (json: ReadOnlyMemory<byte>, names: PlaceTable, count: int) =
    member internal _.Json = json
    member internal _.Names = names
    member internal _.Count = count
    override _.ToString() = $"{count} presigned URLs"

/// Rules that this module keeps:
/// - a manifest is a JSON object, artifact name → presigned URL; each is held to the rules of its own;
/// - no name twice, and no object twice: a second artifact would overwrite the first;
/// - all that is wrong is reported at once; no message holds any part of a URL's query;
/// - it takes at most four times the memory of its text: no more is kept of an entry than its place.
[<RequireQualifiedAccess>]
module UrlManifest =

    /// The most problems that are listed.
    let private mostProblems = 20

    let private remedy =
        "Write one JSON object: { \"logs/stdout.txt\": \"https://…\", … }."

    let private options =
        JsonReaderOptions(AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip)

    let private label (index: int) (name: string) =
        $"entry {index + 1} ({Check.quote name})"

    /// Where a reader is that has read the brace of an object.
    let private withinObject =
        let mutable reader =
            Utf8JsonReader(ReadOnlySpan "{"B, false, JsonReaderState options)

        reader.Read() |> ignore
        reader.CurrentState

    /// Reads from the entry whose name begins at the place.
    let private readerAt (json: ReadOnlyMemory<byte>) (place: int) =
        Utf8JsonReader(json.Span.Slice place, true, withinObject)

    let private isNamed (json: ReadOnlyMemory<byte>) (name: string) (place: int) =
        let mutable reader = readerAt json place
        reader.Read() && reader.ValueTextEquals name

    let private nameAt (json: ReadOnlyMemory<byte>) (place: int) =
        let mutable reader = readerAt json place
        reader.Read() |> ignore
        nonNull (reader.GetString())

    let private urlAt (json: ReadOnlyMemory<byte>) (place: int) =
        let mutable reader = readerAt json place
        reader.Read() |> ignore
        reader.Read() |> ignore

        match RequestUrl.parse (nonNull (reader.GetString())) with
        | Ok url -> url
        | Error _ -> invalidOp "A URL that could be read cannot be read."

    /// The text at the reader's place; none if JSON escapes half of a surrogate pair there, of which no text can be made.
    let private tryText (reader: byref<Utf8JsonReader>) =
        try
            reader.GetString() |> ValueOption.ofObj
        with :? InvalidOperationException ->
            ValueNone

    let private halfPair (who: string) =
        $"{who} holds half of a surrogate pair. {remedy}"

    let private kindOf (token: JsonTokenType) =
        match token with
        | JsonTokenType.StartObject -> JsonValueKind.Object
        | JsonTokenType.StartArray -> JsonValueKind.Array
        | JsonTokenType.String -> JsonValueKind.String
        | JsonTokenType.Number -> JsonValueKind.Number
        | JsonTokenType.True -> JsonValueKind.True
        | JsonTokenType.False -> JsonValueKind.False
        | _ -> JsonValueKind.Null

    let private parseUrl (who: string) (text: string) =
        match RequestUrl.parse text with
        | Error refusal -> Error $"{who}: {refusal.Message}"
        | Ok url ->
            match HeaderCoverage.notAnUpload url with
            | Some refusal -> Error $"{who}: {refusal.Message}"
            | None -> Ok url

    /// The URL at the reader's place. The reader goes on to its end.
    let private readUrl (who: string) (reader: byref<Utf8JsonReader>) =
        if reader.TokenType = JsonTokenType.String then
            match tryText &reader with
            | ValueSome text -> parseUrl who text
            | ValueNone -> Error(halfPair who)
        else
            let kind = kindOf reader.TokenType
            reader.Skip()
            Error $"{who} must be a text, and is {kind}. {remedy}"

    let private createName (who: string) (name: string) =
        ArtifactName.create name
        |> Result.mapError (fun refusal -> $"{who}: {refusal.Message}")

    /// What is wrong with a manifest: the first problems, and how many there are.
    type private Problems() =
        let first = ResizeArray<string>()
        let mutable count = 0

        member _.Add(position: unit -> string, problem: string) =
            count <- count + 1

            if first.Count < mostProblems then
                first.Add $"{position ()}: {problem}"

        member _.ToList() = [
            yield! first

            if count > first.Count then
                $"{count - first.Count} more problems are left out."
        ]

    /// The number of entries; why it is no manifest otherwise.
    let private countEntries (json: ReadOnlyMemory<byte>) : Result<int, string> =
        try
            let mutable reader = Utf8JsonReader(json.Span, options)
            let mutable count = 0
            reader.Read() |> ignore
            let kind = kindOf reader.TokenType

            while reader.Read() do
                if reader.CurrentDepth = 1 && reader.TokenType = JsonTokenType.PropertyName then
                    count <- count + 1

            if kind = JsonValueKind.Object then
                Ok count
            else
                Error $"It is JSON of the kind {kind}, and must be an object. {remedy}"
        with :? JsonException as error ->
            // The reader's own message may quote what stands there.
            Error $"It is not valid JSON: {JsonPlace.describe json error}. {remedy}"

    let private collect (json: ReadOnlyMemory<byte>) (count: int) =
        let names = PlaceTable count
        let objects = PlaceTable count
        let problems = Problems()
        let mutable reader = Utf8JsonReader(json.Span, options)
        reader.Read() |> ignore

        for index in 0 .. count - 1 do
            reader.Read() |> ignore
            let place = int reader.TokenStartIndex
            let name = tryText &reader
            reader.Read() |> ignore

            let position () = JsonPlace.positionOf json place

            let who =
                match name with
                | ValueSome name -> label index name
                | ValueNone -> $"entry {index + 1}"

            let artifact =
                match name with
                | ValueSome name -> createName who name
                | ValueNone -> Error(halfPair who)

            match artifact, readUrl who &reader with
            | Ok artifact, Ok url ->
                let name = ArtifactName.value artifact

                if names.TryAdd(name.GetHashCode(), place, isNamed json name).IsSome then
                    problems.Add(position, $"{who} appears twice. Keep one of them.")
                else
                    let target = ObjectAddress.identity url

                    let isSame place =
                        ObjectAddress.identity (urlAt json place) = target

                    match objects.TryAdd(target.GetHashCode(), place, isSame) with
                    | ValueSome first ->
                        problems.Add(
                            position,
                            $"{who} has the URL of {Check.quote (nameAt json first)}; it would overwrite that. Give each artifact a URL of its own."
                        )
                    | ValueNone -> ()
            | artifact, url ->
                artifact
                |> Result.teeError (fun problem -> problems.Add(position, problem))
                |> ignore

                url
                |> Result.teeError (fun problem -> problems.Add(position, problem))
                |> ignore

        match problems.ToList() with
        | [] -> Ok(UrlManifest(json, names, count))
        | problems -> Error problems

    /// A byte order mark at the head is no part of the text (RFC 8259, 8.1).
    let rec private withoutMark (json: ReadOnlyMemory<byte>) =
        if json.Span.StartsWith Encoding.UTF8.Preamble then
            withoutMark (json.Slice 3)
        else
            json

    /// The manifest in a text in UTF-8, or all that is wrong with it in sentences. The manifest keeps the bytes: they must
    /// not change.
    [<CompiledName("ParseUtf8")>]
    let parseUtf8 (json: byte[]) : Validation<UrlManifest, string> =
        match TextEncoding.problem (ReadOnlySpan json) with
        | Some problem -> Error [ problem ]
        | None ->
            let json = withoutMark (ReadOnlyMemory json)

            countEntries json
            |> Result.mapError List.singleton
            |> Result.bind (collect json)

    /// The manifest in a text, or all that is wrong with it in sentences.
    [<CompiledName("Parse")>]
    let parse (json: string) : Validation<UrlManifest, string> =
        try
            Ok(UTF8Encoding(false, true).GetBytes json)
        with :? EncoderFallbackException ->
            // Half of a surrogate pair, which has no UTF-8 form.
            Error [ $"It is not valid JSON. {remedy}" ]
        |> Result.bind parseUtf8

    /// The URL of an artifact, if there is one.
    [<CompiledName("TryFind")>]
    let tryFind (artifact: ArtifactName) (manifest: UrlManifest) : RequestUrl option =
        let name = ArtifactName.value artifact

        match manifest.Names.TryFind(name.GetHashCode(), isNamed manifest.Json name) with
        | ValueSome place -> Some(urlAt manifest.Json place)
        | ValueNone -> None

    /// Whether there is a URL for the artifact.
    let internal contains (artifact: ArtifactName) (manifest: UrlManifest) : bool =
        let name = ArtifactName.value artifact
        manifest.Names.TryFind(name.GetHashCode(), isNamed manifest.Json name).IsSome

    /// What to tell of an artifact that it has no URL for.
    [<CompiledName("Missing")>]
    let missing (artifact: ArtifactName) : string =
        $"The file has no URL for the artifact {ArtifactName.quote artifact}. Ask the presigner for one, or leave the artifact out."

    /// How many artifacts it has a URL for.
    [<CompiledName("Count")>]
    let count (manifest: UrlManifest) = manifest.Count

    /// Folds over every entry, in the order of the file. Each URL is made for its turn.
    let internal fold
        (folder: 'state -> ArtifactName -> RequestUrl -> 'state)
        (state: 'state)
        (manifest: UrlManifest)
        =
        let mutable reader = Utf8JsonReader(manifest.Json.Span, options)
        let mutable state = state
        reader.Read() |> ignore

        for _ in 1 .. manifest.Count do
            reader.Read() |> ignore
            let name = ArtifactName.create (nonNull (reader.GetString()))
            reader.Read() |> ignore
            let url = RequestUrl.parse (nonNull (reader.GetString()))

            match name, url with
            | Ok name, Ok url -> state <- folder state name url
            | _ -> invalidOp "An entry that could be read cannot be read."

        state

    let private names (manifest: UrlManifest) : string list =
        manifest
        |> fold (fun names artifact _ -> ArtifactName.value artifact :: names) []
        |> List.rev

    /// The pairs of entries whose names differ by case only.
    let internal caseTwins (manifest: UrlManifest) : (string * string) list =
        let seen = Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)

        [
            for name in names manifest do
                match seen.TryGetValue name with
                | true, first -> first, name
                | _ -> seen[name] <- name
        ]

    /// The artifacts that the manifest has no URL for.
    let internal absent (manifest: UrlManifest) (artifacts: ArtifactName list) : ArtifactName list =
        artifacts |> List.filter (fun artifact -> not (contains artifact manifest))

    /// The first of the artifacts for which another entry may be meant, and that entry: its name differs by case or by a folder.
    let internal meantFor
        (manifest: UrlManifest)
        (absent: ArtifactName list)
        : (ArtifactName * string) option =
        let entries = names manifest

        // Each is compared with every entry.
        absent
        |> List.truncate mostProblems
        |> List.tryPick (fun artifact ->
            let name = ArtifactName.value artifact

            entries
            |> List.tryFind (fun entry ->
                entry.Equals(name, StringComparison.OrdinalIgnoreCase)
                || entry.EndsWith("/" + name, StringComparison.Ordinal)
                || name.EndsWith("/" + entry, StringComparison.Ordinal))
            |> Option.map (fun entry -> artifact, entry))
