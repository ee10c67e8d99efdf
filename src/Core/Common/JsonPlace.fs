namespace CellOS.Export.S3.Core

open System
open System.Text.Json

/// Describes places in a text in JSON. At most one character of the text is shown.
[<RequireQualifiedAccess>]
module internal JsonPlace =

    /// Line and column of a place, both from 1. A column is a byte.
    let positionOf (json: ReadOnlyMemory<byte>) (place: int) =
        let before = json.Span.Slice(0, place)
        $"line {1 + before.Count('\n'B)}, column {place - before.LastIndexOf('\n'B)}"

    /// The place that a reader's error is about.
    let private placeOf (json: ReadOnlyMemory<byte>) (error: JsonException) =
        let line = error.LineNumber.GetValueOrDefault()
        let mutable place = 0
        let mutable at = 0L

        while at < line && place < json.Length do
            match json.Span.Slice(place).IndexOf('\n'B) with
            | -1 -> place <- json.Length
            | i -> place <- place + i + 1

            at <- at + 1L

        min json.Length (place + int (error.BytePositionInLine.GetValueOrDefault()))

    /// The last visible character before a place; `None` if all before it is blank.
    let private lastBefore (json: ReadOnlyMemory<byte>) (place: int) : char option =
        match json.Span.Slice(0, place).LastIndexOfAnyExcept(" \n\r\t"B.AsSpan()) with
        | -1 -> None
        | i -> Some(char json.Span[i])

    /// What must come at a place, by the last visible character before it.
    let private expectedAt (json: ReadOnlyMemory<byte>) (place: int) =
        match lastBefore json place with
        | None -> "'{'"
        | Some('{' | ',') -> "a name in double quotes"
        | Some ':' -> "a URL in double quotes"
        | Some '"' -> "a colon, a comma or '}'"
        | Some _ -> "a comma or '}'"

    /// Where a text stops being JSON, what is there, and what must be there. One character is shown at most.
    let describe (json: ReadOnlyMemory<byte>) (error: JsonException) =
        let place = placeOf json error
        let position = positionOf json place

        if place >= json.Length then
            $"it ends at {position}, where {expectedAt json place} is expected"
        else
            match char json.Span[place] with
            | ',' when lastBefore json place = Some ',' || lastBefore json place = Some '{' ->
                $"{position} has a comma too many: remove it"
            | '"' when lastBefore json place = Some '"' -> $"a comma or a colon is missing before {position}"
            | '"' -> $"{position} has a double quotation mark, where {expectedAt json place} is expected"
            | '\'' -> $"{position} has a single quotation mark, where {expectedAt json place} is expected"
            | '\n'
            | '\r'
            | '\t' -> $"{position} has a line break or a tab within quotation marks, where a '\"' is expected"
            | c when c > ' ' && c <= '~' -> $"{position} has '{c}', where {expectedAt json place} is expected"
            | _ -> $"{position} has a character that is not JSON, where {expectedAt json place} is expected"
