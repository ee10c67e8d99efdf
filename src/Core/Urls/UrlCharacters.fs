namespace CellOS.Export.S3.Core

open System
open System.Buffers

/// The characters of a URL.
[<RequireQualifiedAccess>]
module internal UrlCharacters =

    /// What RFC 3986 does not allow in a URI, and `%` that begins no escape. Only the position is reported: the
    /// character may be part of a secret.
    let private whereBad (value: string) =
        let escapes i =
            i + 2 < value.Length
            && Char.IsAsciiHexDigit value[i + 1]
            && Char.IsAsciiHexDigit value[i + 2]

        let problemAt i =
            match value[i] with
            | c when Char.IsControl c -> Some $"holds the control character U+%04X{int c} at position {i + 1}"
            | ' ' when value.LastIndexOf('?', i) >= 0 ->
                Some
                    $"contains a space at position {i + 1}, where a copy or a line break put it: no query has one; delete it"
            | ' ' -> Some $"contains a space at position {i + 1}; it must be written as %%20"
            | c when c > '\u007e' ->
                Some $"holds a character outside ASCII at position {i + 1}; it must come percent-encoded"
            | '{'
            | '}' -> Some $"contains a brace outside a placeholder at position {i + 1}"
            | '\\'
            | '"'
            | '<'
            | '>'
            | '^'
            | '`'
            | '|' ->
                Some
                    $"holds the character U+%04X{int value[i]} at position {i + 1}, which a URL does not allow; it must come percent-encoded"
            | '%' when not (escapes i) ->
                Some $"holds a '%%' at position {i + 1} that two hexadecimal digits do not follow"
            | _ -> None

        let rec from i =
            if i = value.Length then
                None
            else
                match problemAt i with
                | None -> from (i + 1)
                | problem -> problem

        from 0

    /// All characters that RFC 3986 allows in a URI (2.2, 2.3), and `%`.
    let allowed =
        SearchValues.Create
            "!#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~"

    let areEscapesWhole (value: string) =
        let rec from (i: int) =
            i < 0
            || (i + 2 < value.Length
                && Char.IsAsciiHexDigit value[i + 1]
                && Char.IsAsciiHexDigit value[i + 2]
                && from (value.IndexOf('%', i + 3)))

        from (value.IndexOf '%')

    /// What is wrong is looked for, one by one, only if something is.
    let problem (value: string) =
        if value.AsSpan().IndexOfAnyExcept allowed < 0 && areEscapesWhole value then
            None
        else
            whereBad value
