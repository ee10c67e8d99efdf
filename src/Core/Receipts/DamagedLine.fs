namespace CellOS.Export.S3.Core

open System
open System.Text
open System.Text.Json
open System.Text.RegularExpressions

/// Reads what a line of a receipts file that is not a receipt may have been.
///
/// Rules that this module keeps:
/// - a line is ours if it is a value of JSON for an S3 target, or if it is not JSON and has a field of ours, or NULs;
/// - where blanks stand in JSON, and how deep a field is in it, makes no difference: other programs write lines anew;
/// - the object of a damaged line is known only where its fields agree: the destination ends in the cell and the name;
/// - of a line whose end is missing it is the destination, if that is whole.
[<RequireQualifiedAccess>]
module internal DamagedLine =

    /// How every line begins that this library writes.
    [<Literal>]
    let Opening = "{\"targetKind\":\""

    let private fields = [
        "targetKind"
        "upload"
        "destination"
        "bytesWritten"
        "cellId"
        "artifactName"
        "objectUrl"
        "sha256"
        "integrity"
        "attempts"
        "startedAt"
        "completedAt"
    ]

    let private textOf (line: ReadOnlyMemory<byte>) = Encoding.UTF8.GetString line.Span

    /// The end of the first value of JSON in the bytes; `None` if they do not begin with a whole one.
    let private endOfValue (bytes: ReadOnlyMemory<byte>) : int option =
        try
            let mutable reader = Utf8JsonReader(bytes.Span, false, JsonReaderState())

            if reader.Read() && reader.TrySkip() then
                Some(int reader.BytesConsumed)
            else
                None
        with :? JsonException ->
            None

    /// The values of JSON and the NULs that the line begins with, without commas and blanks between them, and the rest.
    let split (line: ReadOnlyMemory<byte>) : ReadOnlyMemory<byte> list =
        let parts = ResizeArray<ReadOnlyMemory<byte>>()
        let mutable rest = line.Trim(" \t\r,"B)

        let lengthOfPart () =
            match rest.Span[0] with
            | 0uy -> rest.Length - rest.TrimStart("\000"B).Length
            | first when first = byte '{' -> endOfValue rest |> Option.defaultValue rest.Length
            | _ -> rest.Length

        while not rest.IsEmpty do
            let length = lengthOfPart ()
            parts.Add(rest.Slice(0, length))
            rest <- rest.Slice(length).Trim(" \t\r,"B)

        List.ofSeq parts

    /// True if the line begins with a whole object of JSON.
    let hasValue (line: ReadOnlyMemory<byte>) : bool =
        not line.IsEmpty && line.Span[0] = byte '{' && (endOfValue line).IsSome

    /// The line, if it is one value of JSON.
    let private jsonOf (line: ReadOnlyMemory<byte>) : JsonElement option =
        try
            use document = JsonDocument.Parse line
            Some(document.RootElement.Clone())
        with :? JsonException ->
            None

    /// True if the line is one value of JSON.
    let isJson (line: ReadOnlyMemory<byte>) : bool = (jsonOf line).IsSome

    /// A text of JSON; `None` if it is not valid UTF-8 or UTF-16.
    let private stringOf (value: JsonElement) : string option =
        try
            Option.ofObj (value.GetString())
        with :? InvalidOperationException ->
            None

    /// The first text of a name in a value of JSON, or in a text of it that is a value of JSON itself.
    let rec private textIn (name: string) (value: JsonElement) : string option =
        match value.ValueKind with
        | JsonValueKind.Object ->
            value.EnumerateObject()
            |> Seq.tryPick (fun property ->
                if property.NameEquals name && property.Value.ValueKind = JsonValueKind.String then
                    stringOf property.Value
                else
                    textIn name property.Value)
        | JsonValueKind.Array -> value.EnumerateArray() |> Seq.tryPick (textIn name)
        | JsonValueKind.String ->
            match stringOf value with
            | Some inner when inner.StartsWith '{' ->
                try
                    use document = JsonDocument.Parse inner
                    textIn name document.RootElement
                with :? JsonException ->
                    None
            | _ -> None
        | _ -> None

    /// The text of a field, where it is there and whole.
    let private field (text: string) (name: string) : string option =
        let opening = Regex.Match(text, $"\"{name}\"\\s*:\\s*\"")

        match opening.Success with
        | false -> None
        | true ->
            let first = opening.Index + opening.Length
            let mutable stop = first

            while stop < text.Length && text[stop] <> '"' do
                stop <- stop + (if text[stop] = '\\' then 2 else 1)

            if stop >= text.Length then
                None
            else
                try
                    use value = JsonDocument.Parse(text.Substring(first - 1, stop - first + 2))
                    Option.ofObj (value.RootElement.GetString())
                with
                | :? JsonException
                | :? InvalidOperationException -> None
                |> Option.filter (fun value -> not (value.Contains '\uFFFD'))

    /// The text of a field of a line, JSON or not.
    let private fieldOf (line: ReadOnlyMemory<byte>) : string -> string option =
        match jsonOf line with
        | Some root -> fun name -> textIn name root
        | None -> field (textOf line)

    /// True if this library may have written the line, which is not a receipt.
    let isOurs (line: ReadOnlyMemory<byte>) : bool =
        if isJson line then
            let field = fieldOf line

            match field "targetKind" with
            | Some kind -> TargetKind.isName kind
            | None ->
                (field "destination").IsSome && (field "artifactName").IsSome
                || (field "objectUrl").IsSome
        else
            let text = textOf line

            text.Contains '\000'
            || fields
               |> List.exists (fun name -> Regex.IsMatch(text, $"\"{name}\"+\\s*:|'{name}'\\s*:"))

    /// True if the text ends within quotation marks.
    let private endsInText (text: string) =
        let mutable isInText = false
        let mutable i = 0

        while i < text.Length do
            if text[i] = '"' then
                isInText <- not isInText

            i <- i + (if isInText && text[i] = '\\' then 2 else 1)

        isInText

    /// True if a receipt ends in its middle, and nothing else is in the line. What says that an upload starts may be torn as
    /// well: then nothing was sent.
    let private isTorn (line: ReadOnlyMemory<byte>) =
        let text = textOf line

        text.StartsWith(Opening, StringComparison.Ordinal)
        && not (text.Contains '\000' || text.Contains "\"upload\"")
        && (not (text.EndsWith '}') || endsInText text)
        && text.LastIndexOf("\"targetKind\"", StringComparison.Ordinal) = 1

    /// Destination and URL of the object that a damaged line is about; `None` where the damage may be there.
    let object (line: ReadOnlyMemory<byte>) : (string * string option) option =
        let field = fieldOf line
        let url = field "objectUrl"

        match field "destination", field "cellId", field "artifactName" with
        | Some destination, cell, artifact when
            isTorn line
            && destination.StartsWith("s3://", StringComparison.Ordinal)
            && artifact
               |> Option.forall (fun name -> destination.EndsWith("/" + name, StringComparison.Ordinal))
            && cell
               |> Option.forall (fun cell -> destination.Contains($"/{cell}/", StringComparison.Ordinal))
            ->
            Some(destination, url)
        | Some destination, Some cell, Some artifact when
            destination.StartsWith("s3://", StringComparison.Ordinal)
            && destination.EndsWith($"/{cell}/{artifact}", StringComparison.Ordinal)
            && (url.IsSome || isJson line)
            ->
            Some(destination, url)
        | _ -> None
