namespace CellOS.Export.S3.Core

open System

/// Takes the escapes off a text without losing sight of where each character came from, so that what is found in
/// the plain text can be masked in the original.
module internal Unescape =

    let private isHex (c: char) = Char.IsAsciiHexDigit c

    /// A text with its escapes taken off, each character knowing where it came from and how often it was
    /// percent-encoded.
    [<Struct>]
    type Seen = {
        Char: char
        From: int
        Next: int
        Depth: int
    }

    /// The character that the escape at the end of the text stands for, the escape's length, and whether it is a
    /// percent-escape: `%26`, and those of a JSON string (RFC 8259, 7).
    let private escapeAtEnd (text: ResizeArray<Seen>) =
        let count = text.Count
        let at back = text[count - back].Char

        let isHexFor digits =
            Seq.forall (fun back -> isHex (at back)) (seq { 1..digits })

        let code digits =
            char (Convert.ToInt32(String(Array.init digits (fun n -> at (digits - n))), 16))

        if count >= 3 && at 3 = '%' && isHexFor 2 then
            ValueSome struct (code 2, 3, true)
        elif count >= 6 && at 6 = '\\' && at 5 = 'u' && isHexFor 4 then
            ValueSome struct (code 4, 6, false)
        elif count >= 2 && at 2 = '\\' then
            match at 1 with
            | 'n'
            | 'r'
            | 't' -> ValueSome struct ('\n', 2, false)
            | '"'
            | '\''
            | '/'
            | '\\' as c -> ValueSome struct (c, 2, false)
            | _ -> ValueNone
        else
            ValueNone

    /// Takes the escape off the end, and what then is one, and so on: a text that was escaped several times. Each
    /// escape is longer than what it stands for, so all of it takes time in proportion to the text.
    let rec private unescapeEnd (text: ResizeArray<Seen>) =
        match escapeAtEnd text with
        | ValueNone -> ()
        | ValueSome struct (c, length, percent) ->
            let first = text.Count - length
            let mutable depth = 0

            for n in first .. text.Count - 1 do
                depth <- max depth text[n].Depth

            let unescaped = {
                Char = c
                From = text[first].From
                Next = text[text.Count - 1].Next
                Depth = if percent then depth + 1 else depth
            }

            text.RemoveRange(first, length)
            text.Add unescaped
            unescapeEnd text

    let see (text: string) =
        let seen = ResizeArray<Seen>(text.Length)

        for i in 0 .. text.Length - 1 do
            seen.Add {
                Char = text[i]
                From = i
                Next = i + 1
                Depth = 0
            }

            unescapeEnd seen

        seen.ToArray()
