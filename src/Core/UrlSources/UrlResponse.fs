namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Globalization
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// A URL that a source of URLs gave, with what goes along. Its headers may hold credentials: `ToString` names them only.
type UrlGrant = {
    /// The presigned URL.
    Url: RequestUrl
    /// Headers that the upload must carry, names and values, as they were given.
    Headers: KeyValuePair<string, string> list
    /// The end of the URL's validity, where the source states it.
    ExpiresAt: DateTimeOffset option
} with

    override this.ToString() =
        let headers = this.Headers |> List.map _.Key |> String.concat ", "
        $"{this.Url}, headers: {headers}"

/// Makes grants.
[<RequireQualifiedAccess>]
module UrlGrant =
    /// A URL, and nothing else.
    [<CompiledName("OfUrl")>]
    let ofUrl (url: RequestUrl) : UrlGrant = {
        Url = url
        Headers = []
        ExpiresAt = None
    }

/// The response of a source of URLs, in the format of the protocol.
[<RequireQualifiedAccess>]
type UrlResponse =
    /// A URL.
    | Granted of Grant: UrlGrant
    /// The source refuses, with its reason; redacted, without a full stop.
    | Refused of Message: string
    /// The response does not follow the protocol: what is wrong with it, without a full stop.
    | Invalid of Defect: string

/// The artifact that a response says it is for.
[<RequireQualifiedAccess>]
type ResponseOwner =
    /// It does not say.
    | Unnamed
    /// The artifact of the request.
    | Asked
    /// Another artifact: what is wrong, as a part of a sentence.
    | Other of Defect: string

/// Reads the responses of brokers and commands.
///
/// Rules that this module keeps:
/// - a response is a JSON object with `url`, or with `error` and its `message`; never both;
/// - unknown fields are ignored; a known one must not appear twice;
/// - `artifactName` and `key`, where a response has them, are those of the request;
/// - it is total, and no text contains a value of a URL's query or of a header.
[<RequireQualifiedAccess>]
module UrlResponse =

    /// The largest response, in bytes: 64 KiB.
    [<Literal>]
    let MaxBytes = 65536

    let private known = [ "url"; "headers"; "expiresAt"; "error"; "artifactName"; "key" ]

    let private kindOf (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Object -> "an object"
        | JsonValueKind.Array -> "an array"
        | JsonValueKind.Number -> "a number"
        | JsonValueKind.True
        | JsonValueKind.False -> "a boolean"
        | JsonValueKind.String -> "a text"
        | _ -> "null"

    /// Secrets are masked first: what stands before one may look like its name, and a cut would leave a part of it.
    let private refusalMessage (secrets: string list) (text: string) =
        match (Redaction.known secrets text |> Check.visible |> Check.shorten 512).Trim().TrimEnd '.' with
        | "" -> "no reason was given"
        | message -> message

    let private text (name: string) (value: JsonElement) : Result<string, string> =
        if value.ValueKind = JsonValueKind.String then
            Ok(nonNull (value.GetString()))
        else
            Error $"'{name}' must be a text, and is {kindOf value}"

    let private readUrl (value: JsonElement) : Result<RequestUrl, string> =
        text "url" value
        |> Result.bind (fun url ->
            ProvidedUrl.parse url
            |> Result.mapError (fun problem -> $"its 'url' cannot be used: {problem.TrimEnd '.'}"))

    let private readHeaders (value: JsonElement) : Result<KeyValuePair<string, string> list, string> =
        if value.ValueKind <> JsonValueKind.Object then
            Error $"'headers' must be an object of names and values, and is {kindOf value}"
        else
            [ for header in value.EnumerateObject() -> header.Name, header.Value ]
            |> List.traverseResultM (fun (name, value) ->
                if value.ValueKind = JsonValueKind.String then
                    Ok(KeyValuePair(name, nonNull (value.GetString())))
                else
                    Error $"the value of the header {Check.quote name} must be a text, and is {kindOf value}")
            |> Result.bind (fun headers ->
                match
                    headers
                    |> List.countBy _.Key.ToLowerInvariant()
                    |> List.tryFind (fun (_, count) -> count > 1)
                with
                | Some(name, _) -> Error $"the header {Check.quote name} appears twice"
                | None -> Ok headers)

    /// RFC 3339, 5.6: with seconds or without, with an offset.
    let private readTime (value: JsonElement) : Result<DateTimeOffset, string> =
        let formats = [| "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"; "yyyy-MM-dd'T'HH:mmK" |]

        text "expiresAt" value
        |> Result.bind (fun time ->
            match
                DateTimeOffset.TryParseExact(
                    time,
                    formats,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal
                )
            with
            | true, at -> Ok at
            | _ -> Error "'expiresAt' must be a time such as 2026-05-01T12:00:00Z")

    let private readError (secrets: string list) (value: JsonElement) : UrlResponse =
        match value.ValueKind with
        | JsonValueKind.String -> UrlResponse.Refused(refusalMessage secrets (nonNull (value.GetString())))
        | JsonValueKind.Object ->
            match value.TryGetProperty "message" with
            | true, message when message.ValueKind = JsonValueKind.String ->
                UrlResponse.Refused(refusalMessage secrets (nonNull (message.GetString())))
            | true, message when message.ValueKind <> JsonValueKind.Null ->
                UrlResponse.Invalid $"'error.message' must be a text, and is {kindOf message}"
            | _ -> UrlResponse.Refused(refusalMessage secrets "")
        | _ -> UrlResponse.Invalid $"'error' must be an object with a 'message', and is {kindOf value}"

    let private readGrant (fields: Map<string, JsonElement>) (url: JsonElement) : UrlResponse =
        let optional name read whenAbsent =
            match Map.tryFind name fields with
            | Some value -> read value
            | None -> Ok whenAbsent

        result {
            let! url = readUrl url
            let! headers = optional "headers" readHeaders []
            let! expiresAt = optional "expiresAt" (readTime >> Result.map Some) None

            return
                UrlResponse.Granted {
                    Url = url
                    Headers = headers
                    ExpiresAt = expiresAt
                }
        }
        |> Result.defaultWith UrlResponse.Invalid

    let private readObject (secrets: string list) (root: JsonElement) : UrlResponse =
        let members = [
            for field in root.EnumerateObject() do
                if List.contains field.Name known then
                    field.Name, field.Value
        ]

        match members |> List.countBy fst |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(name, _) -> UrlResponse.Invalid $"'{name}' appears twice"
        | None ->
            let fields =
                members
                |> List.filter (fun (_, value) -> value.ValueKind <> JsonValueKind.Null)
                |> Map.ofList

            match Map.tryFind "url" fields, Map.tryFind "error" fields with
            | Some _, Some _ -> UrlResponse.Invalid "it has both 'url' and 'error'"
            | Some url, None -> readGrant fields url
            | None, Some error -> readError secrets error
            | None, None -> UrlResponse.Invalid "it has neither 'url' nor 'error'"

    /// Reads a response. One of more than `MaxBytes` is invalid. The reason of a refusal contains none of the given
    /// secrets.
    [<CompiledName("Parse")>]
    let parse (secrets: string list) (body: ReadOnlyMemory<byte>) : UrlResponse =
        let body =
            if body.Span.StartsWith Encoding.UTF8.Preamble then body.Slice 3 else body

        if body.Length > MaxBytes then
            UrlResponse.Invalid $"it is longer than {MaxBytes} bytes"
        elif body.Span.IndexOfAnyExcept(" \t\r\n"B) < 0 then
            UrlResponse.Invalid "it is empty"
        else
            try
                use document = JsonDocument.Parse body
                let root = document.RootElement

                if root.ValueKind = JsonValueKind.Object then
                    readObject secrets root
                else
                    UrlResponse.Invalid $"it must be a JSON object, and is {kindOf root}"
            with
            // The exceptions' own messages may quote what appears there.
            | :? JsonException -> UrlResponse.Invalid "it is not valid JSON"
            | :? InvalidOperationException -> UrlResponse.Invalid "it holds a text that is not valid Unicode"

    /// Returns which artifact the response says it is for. A body that is not valid does not say.
    [<CompiledName("Owner")>]
    let owner (request: UrlRequest) (body: ReadOnlyMemory<byte>) : ResponseOwner =
        try
            use document = JsonDocument.Parse body

            let named =
                [ "artifactName", request.ArtifactName; "key", request.Key ]
                |> List.choose (fun (name, asked) ->
                    match document.RootElement.TryGetProperty name with
                    | true, value when value.ValueKind <> JsonValueKind.Null -> Some(name, asked, value)
                    | _ -> None)

            let other =
                named
                |> List.tryFind (fun (_, asked, value) ->
                    value.ValueKind <> JsonValueKind.String || value.GetString() <> asked)

            match named, other with
            | [], _ -> ResponseOwner.Unnamed
            | _, None -> ResponseOwner.Asked
            | _, Some(name, asked, value) when value.ValueKind = JsonValueKind.String ->
                ResponseOwner.Other
                    $"its response has the '{name}' {Check.quote (nonNull (value.GetString()))}, and the request has {Check.quote asked}"
            | _, Some(name, _, value) ->
                ResponseOwner.Other $"'{name}' in its response must be a text, and is {kindOf value}"
        with
        | :? JsonException
        | :? InvalidOperationException -> ResponseOwner.Unnamed

    /// True if the URL of a response shows that it is for the object of the request.
    [<CompiledName("ShowsObject")>]
    let showsObject (request: UrlRequest) (url: RequestUrl) : bool =
        ObjectAddress.compare request.Bucket request.Key url = AddressCheck.Same

    /// Returns a defect as a part of a sentence.
    [<CompiledName("DefectInWords")>]
    let defectInWords (defect: string) : string =
        $"its response does not follow the protocol: {defect}"
