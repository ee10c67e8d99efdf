namespace CellOS.Export.S3.Core

open System
open System.Text

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

    /// An escape: the character that it stands for, how long it is (0: there is none), and whether it is a
    /// percent-escape.
    [<Struct>]
    type private Escape = {
        Stands: char
        Length: int
        Percent: bool
    }

    /// The escape at the end of the first `count` characters: `%26`, and those of a JSON string (RFC 8259, 7).
    let private escapeAtEnd (text: Seen[]) (count: int) =
        let at back = text[count - back].Char

        let rec isHexFor digits =
            digits = 0 || (isHex (at digits) && isHexFor (digits - 1))

        let escape stands length percent = {
            Stands = stands
            Length = length
            Percent = percent
        }

        let code digits =
            char (Convert.ToInt32(String(Array.init digits (fun n -> at (digits - n))), 16))

        if count >= 3 && at 3 = '%' && isHexFor 2 then
            escape (code 2) 3 true
        elif count >= 6 && at 6 = '\\' && at 5 = 'u' && isHexFor 4 then
            escape (code 4) 6 false
        elif count >= 2 && at 2 = '\\' then
            match at 1 with
            | 'n'
            | 'r'
            | 't' -> escape '\n' 2 false
            | '"'
            | '\''
            | '/'
            | '\\' as c -> escape c 2 false
            | _ -> escape ' ' 0 false
        else
            escape ' ' 0 false

    /// Takes the escape off the end of the first `count` characters, and what then is one, and so on: a text that was
    /// escaped several times. Each escape is longer than what it stands for, so all of it takes time in proportion
    /// to the text. Gives how many characters are left.
    let rec private unescapeEnd (text: Seen[]) (count: int) =
        match escapeAtEnd text count with
        | { Length = 0 } -> count
        | escape ->
            let first = count - escape.Length
            let mutable depth = 0

            for n in first .. count - 1 do
                depth <- max depth text[n].Depth

            text[first] <- {
                Char = escape.Stands
                From = text[first].From
                Next = text[count - 1].Next
                Depth = if escape.Percent then depth + 1 else depth
            }

            unescapeEnd text (first + 1)

    // An array and no list: a list of values of ours is compiled when it is first met, which every start would wait for.
    let see (text: string) : Seen[] =
        let seen: Seen[] = Array.zeroCreate text.Length
        let mutable count = 0

        for i in 0 .. text.Length - 1 do
            seen[count] <- {
                Char = text[i]
                From = i
                Next = i + 1
                Depth = 0
            }

            count <- unescapeEnd seen (count + 1)

        if count = seen.Length then seen else seen.AsSpan(0, count).ToArray()

    /// The characters alone.
    let plain (seen: Seen[]) : string =
        let characters = StringBuilder seen.Length

        for character in seen do
            characters.Append character.Char |> ignore

        characters.ToString()
