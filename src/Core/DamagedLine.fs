namespace CellOS.Export.S3.Core

open System
open System.Text
open System.Text.Json

/// Reads what a line of a receipts file that is not a receipt may have been.
///
/// Rules that this module keeps:
/// - a line is ours if it is a value of JSON for an S3 target, or if it is not JSON and has a field of ours, or NULs;
/// - the object of a damaged line is known only where its fields agree: the destination ends in the cell and the name.
[<RequireQualifiedAccess>]
module internal DamagedLine =

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

    /// The values of JSON that the line begins with, without commas and blanks between them, and the rest.
    let split (line: ReadOnlyMemory<byte>) : ReadOnlyMemory<byte> list =
        let parts = ResizeArray<ReadOnlyMemory<byte>>()
        let mutable rest = line.Trim(" \t\r,\000"B)

        while not rest.IsEmpty do
            match (if rest.Span[0] = byte '{' then endOfValue rest else None) with
            | Some length ->
                parts.Add(rest.Slice(0, length))
                rest <- rest.Slice(length).Trim(" \t\r,\000"B)
            | None ->
                parts.Add rest
                rest <- ReadOnlyMemory.Empty

        List.ofSeq parts

    /// True if the line begins with a whole object of JSON.
    let hasValue (line: ReadOnlyMemory<byte>) : bool =
        not line.IsEmpty && line.Span[0] = byte '{' && (endOfValue line).IsSome

    /// True if the line is one value of JSON.
    let isJson (line: ReadOnlyMemory<byte>) : bool =
        try
            use _ = JsonDocument.Parse line
            true
        with :? JsonException ->
            false

    /// The text of a field, where it is there and whole.
    let private field (text: string) (name: string) : string option =
        let opening = $"\"{name}\":\""

        match text.IndexOf(opening, StringComparison.Ordinal) with
        | -1 -> None
        | i ->
            let first = i + opening.Length
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

    /// True if this library may have written the line, which is not a receipt.
    let isOurs (line: ReadOnlyMemory<byte>) : bool =
        let text = textOf line

        if isJson line then
            match field text "targetKind" with
            | Some kind -> kind = Receipt.TargetKind
            | None -> (field text "destination").IsSome && (field text "artifactName").IsSome
        else
            text.Contains '\000'
            || fields
               |> List.exists (fun name -> text.Contains($"\"{name}\":", StringComparison.Ordinal))

    /// Destination and URL of the object that a damaged line is about; `None` where the damage may be there.
    let object (line: ReadOnlyMemory<byte>) : (string * string option) option =
        let text = textOf line
        let url = field text "objectUrl"

        match field text "destination", field text "cellId", field text "artifactName" with
        | Some destination, Some cell, Some artifact when
            destination.StartsWith("s3://", StringComparison.Ordinal)
            && destination.EndsWith($"/{cell}/{artifact}", StringComparison.Ordinal)
            && (url.IsSome || isJson line)
            ->
            Some(destination, url)
        | _ -> None
