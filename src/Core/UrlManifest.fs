namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Text.Json
open FsToolkit.ErrorHandling

/// Presigned URLs by artifact, as a manifest file gives them. They are credentials: `ToString` tells their number.
[<Sealed>]
type UrlManifest internal (urls: Dictionary<string, RequestUrl>) =
    member internal _.Urls = urls
    override _.ToString() = $"{urls.Count} presigned URLs"

/// Rules that this module keeps:
/// - a manifest is a JSON object, artifact name → presigned URL; each is held to the rules of its own;
/// - no name twice, and no object twice: a second artifact would overwrite the first;
/// - all that is wrong is told at once; no message holds any part of a URL's query.
[<RequireQualifiedAccess>]
module UrlManifest =

    /// After so many problems the rest is left out.
    let private mostProblems = 20

    let private remedy =
        "Write one JSON object: { \"logs/stdout.txt\": \"https://…\", … }."

    let private options =
        JsonDocumentOptions(AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip)

    let private label (index: int) (name: string) =
        $"entry {index + 1} ({Check.quote name})"

    /// JSON may escape half of a surrogate pair, of which no text can be made.
    let private textOf (who: string) (read: unit -> string | null) =
        try
            Ok(read () |> Option.ofObj |> Option.defaultValue "")
        with :? InvalidOperationException ->
            Error $"{who} holds half of a surrogate pair. {remedy}"

    let private urlOf (who: string) (value: JsonElement) =
        if value.ValueKind <> JsonValueKind.String then
            Error $"{who} must be a text, and is {value.ValueKind}. {remedy}"
        else
            textOf who value.GetString
            |> Result.bind (fun text ->
                match RequestUrl.parse text with
                | Error refusal -> Error $"{who}: {refusal.Message}"
                | Ok url ->
                    match HeaderCoverage.notAnUpload url with
                    | Some refusal -> Error $"{who}: {refusal.Message}"
                    | None -> Ok url)

    let private entry (index: int) (property: JsonProperty) =
        let name = textOf $"entry {index + 1}" (fun () -> property.Name)

        let who =
            match name with
            | Ok name -> label index name
            | Error _ -> $"entry {index + 1}"

        let artifact =
            name
            |> Result.bind (fun name ->
                ArtifactName.create name |> Result.mapError (fun r -> $"{who}: {r.Message}"))

        let url = urlOf who property.Value

        match artifact, url with
        | Ok artifact, Ok url -> Ok(artifact, url)
        | artifact, url ->
            Error [
                match artifact with
                | Error text -> text
                | Ok _ -> ()

                match url with
                | Error text -> text
                | Ok _ -> ()
            ]

    /// What a URL addresses, as a text to compare: its signature is no part of that, unless nothing is known of its
    /// query; then it holds a credential.
    [<CompiledName("ObjectOf")>]
    let objectOf (url: RequestUrl) =
        if url.Query.Signature = UrlSignature.Unsigned then
            RequestUrl.reveal url
        else
            match PresignedUrl.addressOf url with
            // One key can be percent-encoded in several ways, and one bucket is reached through several hosts.
            | bucket, Some key ->
                String.Concat(bucket |> Option.defaultWith (fun () -> RequestUrl.host url), "/", key)
            | _ -> RequestUrl.withoutQuery url

    let private collect (root: JsonElement) =
        let urls = Dictionary<string, RequestUrl>(StringComparer.Ordinal)
        let objects = Dictionary<string, string>(StringComparer.Ordinal)
        let problems = ResizeArray<string>()

        root.EnumerateObject()
        |> Seq.iteri (fun index property ->
            match entry index property with
            | Error found -> problems.AddRange found
            | Ok(artifact, url) ->
                let name = ArtifactName.value artifact

                if not (urls.TryAdd(name, url)) then
                    problems.Add $"{label index name} is there twice. Keep one of them."
                else
                    match objects.TryGetValue(objectOf url) with
                    | true, first ->
                        problems.Add
                            $"{label index name} has the URL of {Check.quote first}; it would overwrite that. Give each artifact a URL of its own."
                    | _ -> objects.Add(objectOf url, name))

        urls, problems

    /// The manifest in a text, or all that is wrong with it in sentences.
    [<CompiledName("Parse")>]
    let parse (json: string) : Validation<UrlManifest, string> =
        let document =
            try
                // A byte order mark at the head is no part of the text (RFC 8259, 8.1).
                Ok(JsonDocument.Parse(json.TrimStart '\ufeff', options))
            with
            | :? JsonException as error ->
                // The reader's own message may quote what stands there.
                let line =
                    match Option.ofNullable error.LineNumber with
                    | Some line -> $" (line {line + 1L})"
                    | None -> ""

                Error [ $"It is no JSON{line}. {remedy}" ]
            // Half of a surrogate pair, which has no UTF-8 form.
            | :? ArgumentException -> Error [ $"It is no JSON. {remedy}" ]

        match document with
        | Error problems -> Error problems
        | Ok document ->
            use document = document
            let root = document.RootElement

            if root.ValueKind <> JsonValueKind.Object then
                Error [ $"It is no JSON object but {root.ValueKind}. {remedy}" ]
            else
                match collect root with
                | urls, problems when problems.Count = 0 -> Ok(UrlManifest urls)
                | _, problems when problems.Count > mostProblems ->
                    Error [
                        yield! Seq.take mostProblems problems
                        $"{problems.Count - mostProblems} more problems are left out."
                    ]
                | _, problems -> Error(List.ofSeq problems)

    /// The URL of an artifact, if there is one.
    [<CompiledName("TryFind")>]
    let tryFind (artifact: ArtifactName) (manifest: UrlManifest) : RequestUrl option =
        match manifest.Urls.TryGetValue(ArtifactName.value artifact) with
        | true, url -> Some url
        | _ -> None

    /// What to tell of an artifact that it has no URL for.
    [<CompiledName("Missing")>]
    let missing (artifact: ArtifactName) : string =
        $"It has no URL for the artifact {Check.quote (ArtifactName.value artifact)}. Add one."

    /// How many artifacts it has a URL for.
    [<CompiledName("Count")>]
    let count (manifest: UrlManifest) = manifest.Urls.Count

    /// All names with their URLs, in the order of the names.
    let internal entries (manifest: UrlManifest) =
        manifest.Urls
        |> Seq.sortWith (fun a b -> String.CompareOrdinal(a.Key, b.Key))
        |> Seq.map (fun entry -> entry.Key, entry.Value)
        |> List.ofSeq
