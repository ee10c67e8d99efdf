namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// Reads the fields of objects in JSON that this library wrote. Each function is total, and names the field that is wrong.
/// `subject` and `remedy` are those of the refusals.
type internal JsonFields(subject: string, remedy: string) =

    static let strict = JsonDocumentOptions(AllowDuplicateProperties = false, MaxDepth = 64)

    /// A moment in the form of this library's JSON.
    static member Timestamp(at: DateTimeOffset) : string =
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)

    member _.Refuse(problem: string) : Result<'value, Refusal> = Check.refuse subject problem remedy

    /// A text, where there is one. An escape may stand for half of a surrogate pair, which is not text.
    member this.TextOf (name: string) (value: JsonElement) : Result<string, Refusal> =
        match value.ValueKind with
        | JsonValueKind.String ->
            try
                Ok(nonNull (value.GetString()))
            with :? InvalidOperationException ->
                this.Refuse $"has a text in '{name}' that is not valid Unicode"
        | _ -> this.Refuse $"does not have a text in '{name}'"

    member this.Field (root: JsonElement) (name: string) : Result<JsonElement, Refusal> =
        match root.TryGetProperty name with
        | true, value -> Ok value
        | _ -> this.Refuse $"has no '{name}'"

    member this.Required (root: JsonElement) (name: string) : Result<string, Refusal> =
        this.Field root name |> Result.bind (this.TextOf name)

    member this.Optional (root: JsonElement) (name: string) : Result<string option, Refusal> =
        match root.TryGetProperty name with
        | true, value when value.ValueKind <> JsonValueKind.Null -> this.TextOf name value |> Result.map Some
        | _ -> Ok None

    member this.Flag (root: JsonElement) (name: string) (otherwise: bool) : Result<bool, Refusal> =
        match root.TryGetProperty name with
        | true, value ->
            match value.ValueKind with
            | JsonValueKind.True -> Ok true
            | JsonValueKind.False -> Ok false
            | JsonValueKind.Null -> Ok otherwise
            | _ -> this.Refuse $"does not have true or false in '{name}'"
        | _ -> Ok otherwise

    member private this.WholeOf (name: string) (least: int64) (most: int64) (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.Number ->
            match value.TryGetInt64() with
            | true, number when number >= least && number <= most -> Ok number
            | _ -> this.Refuse $"does not have a whole number from {least} to {most} in '{name}'"
        | _ -> this.Refuse $"does not have a number in '{name}'"

    member this.Whole
        (root: JsonElement)
        (name: string)
        (least: int64)
        (most: int64)
        : Result<int64, Refusal> =
        this.Field root name |> Result.bind (this.WholeOf name least most)

    member this.OptionalWhole
        (root: JsonElement)
        (name: string)
        (least: int64)
        (most: int64)
        : Result<int64 option, Refusal> =
        match root.TryGetProperty name with
        | true, value when value.ValueKind <> JsonValueKind.Null ->
            this.WholeOf name least most value |> Result.map Some
        | _ -> Ok None

    member this.Time (root: JsonElement) (name: string) : Result<DateTimeOffset, Refusal> =
        this.Required root name
        |> Result.bind (fun text ->
            match
                DateTimeOffset.TryParseExact(
                    text,
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal
                )
            with
            | true, at -> Ok at
            | _ -> this.Refuse $"does not have a time such as 2026-05-01T12:00:00.000Z in '{name}'")

    /// The value of a field that is an object.
    member this.Object (root: JsonElement) (name: string) : Result<JsonElement, Refusal> =
        this.Field root name
        |> Result.bind (fun value ->
            if value.ValueKind = JsonValueKind.Object then
                Ok value
            else
                this.Refuse $"does not have an object in '{name}'")

    /// The values of a field that is an array of objects, each of which is read.
    member this.Objects
        (root: JsonElement)
        (name: string)
        (read: JsonElement -> Result<'value, Refusal>)
        : Result<'value list, Refusal> =
        this.Field root name
        |> Result.bind (fun value ->
            if value.ValueKind <> JsonValueKind.Array then
                this.Refuse $"does not have an array in '{name}'"
            else
                [ for element in value.EnumerateArray() -> element ]
                |> List.traverseResultM (fun element ->
                    if element.ValueKind = JsonValueKind.Object then
                        read element
                    else
                        this.Refuse $"has a value in '{name}' that is not an object"))

    /// Reads an object in UTF-8. No field may be in it twice.
    member this.Parse
        (json: ReadOnlyMemory<byte>)
        (read: JsonElement -> Result<'value, Refusal>)
        : Result<'value, Refusal> =
        try
            use document = JsonDocument.Parse(json, strict)

            // The parser checks no text in a string, and its reader would throw.
            if not (Unicode.Utf8.IsValid json.Span) then
                this.Refuse "is not valid UTF-8"
            elif document.RootElement.ValueKind = JsonValueKind.Object then
                read document.RootElement
            else
                this.Refuse "is not a JSON object"
        with :? JsonException ->
            // Its message may quote the text.
            this.Refuse "is not valid JSON, or has a field twice"
