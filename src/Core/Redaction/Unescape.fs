namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text

/// Removes the escapes from a text and keeps the original range of each character, so that what is found in the
/// decoded text can be masked in the original.
///
/// Rules that this module keeps:
/// - percent-encoding, the escapes of JSON strings (RFC 8259, 7) and of programming languages (`\x2B`, `\u{2B}`,
///   `\U0000002B`, `\053`), `%u002B` and XML entities are decoded, in any mixture and however often they were applied;
/// - quoted-printable (`=2B`; RFC 2045, 6.7) is decoded by `seeQuoted` alone, since `=` also precedes values;
/// - the time is proportional to the length of the text.
module internal Unescape =

    let private escapeMarks = SearchValues.Create "%\\&"

    /// True if the text contains a character that escapes begin with.
    let mayHaveEscapes (text: string) : bool =
        text.AsSpan().IndexOfAny escapeMarks >= 0

    /// A decoded character.
    [<Struct>]
    type Seen = {
        Char: char
        /// The original range of the character: its first position, and the position after its last.
        From: int
        Next: int
        /// How often the character was percent-encoded.
        Depth: int
        /// True if the last escape removed stands for an octet: maybe one of several that make up a character in UTF-8.
        IsOctet: bool
    }

    /// An escape: the character that it stands for and its length. A length of 0 means that there is no escape.
    [<Struct>]
    type private Escape = {
        Stands: char
        Length: int
        IsPercent: bool
        IsOctet: bool
    }

    let private noEscape = {
        Stands = ' '
        Length = 0
        IsPercent = false
        IsOctet = false
    }

    let private escape (code: int) length = {
        Stands = char code
        Length = length
        IsPercent = false
        IsOctet = false
    }

    let private octet (code: int) length = {
        escape code length with
            IsOctet = true
    }

    /// The entities of XML, and those of HTML for other characters of URLs and Base64.
    let private entities = [|
        struct ("&amp", '&')
        struct ("&lt", '<')
        struct ("&gt", '>')
        struct ("&quot", '"')
        struct ("&apos", '\'')
        struct ("&plus", '+')
        struct ("&sol", '/')
        struct ("&equals", '=')
        struct ("&percnt", '%')
        struct ("&period", '.')
        struct ("&lowbar", '_')
        struct ("&hyphen", '-')
        struct ("&colon", ':')
        struct ("&semi", ';')
        struct ("&comma", ',')
        struct ("&shy", '\u00ad')
        struct ("&nbsp", '\u00a0')
        struct ("&zwnj", '\u200c')
        struct ("&zwj", '\u200d')
    |]

    let private digit (c: char) =
        if c <= '9' then int c - int '0' else (int c ||| 0x20) - int 'a' + 10

    /// The value of the given number of hexadecimal digits at the end; -1 if they are something else.
    let private hex (text: Seen[]) (count: int) (digits: int) =
        let mutable code = 0

        for n in digits .. -1 .. 1 do
            let c = text[count - n].Char
            code <- if code >= 0 && Char.IsAsciiHexDigit c then code * 16 + digit c else -1

        code

    /// The numeric entity (`&#43;`, `&#x2b;`, with any number of leading zeros) that the `;` at the end closes.
    let private numericEntity (text: Seen[]) (count: int) =
        let mutable first = count - 1

        while first > 0 && Char.IsAsciiHexDigit text[first - 1].Char do
            first <- first - 1

        let isHex = first > 0 && (text[first - 1].Char = 'x' || text[first - 1].Char = 'X')
        let head = if isHex then first - 1 else first

        if head < 2 || text[head - 1].Char <> '#' || text[head - 2].Char <> '&' then
            noEscape
        else
            let mutable code = if first = count - 1 then -1 else 0

            for n in first .. count - 2 do
                let c = text[n].Char

                if code >= 0 && code <= 0xFFFF && (isHex || Char.IsAsciiDigit c) then
                    code <- code * (if isHex then 16 else 10) + digit c
                else
                    code <- -1

            // No secret contains a character beyond the first plane.
            if code >= 0 && code <= 0xFFFF then escape code (count - head + 2) else noEscape

    let private namedEntity (text: Seen[]) (count: int) =
        let isBefore (name: string) =
            let first = count - 1 - name.Length
            let mutable n = 0

            while first >= 0
                  && n < name.Length
                  && Char.ToLowerInvariant text[first + n].Char = name[n] do
                n <- n + 1

            n = name.Length

        let mutable found = noEscape

        for struct (name, stands) in entities do
            if isBefore name then
                found <- escape (int stands) (name.Length + 1)

        found

    /// `\u{2B}`, of which the `}` is the last character. More than eight digits are not read.
    let private bracedEscape (text: Seen[]) (count: int) =
        let mutable first = count - 1

        while first > 0 && count - first <= 8 && Char.IsAsciiHexDigit text[first - 1].Char do
            first <- first - 1

        if
            first >= 3
            && first < count - 1
            && text[first - 1].Char = '{'
            && text[first - 2].Char = 'u'
            && text[first - 3].Char = '\\'
        then
            let mutable code = 0

            for n in first .. count - 2 do
                code <- if code <= 0xFFFF then code * 16 + digit text[n].Char else code

            if code <= 0xFFFF then escape code (count - first + 3) else noEscape
        else
            noEscape

    /// The value of the three octal digits at the end; -1 if they are something else.
    let private octal (text: Seen[]) (count: int) =
        let isDigit back (last: char) =
            text[count - back].Char >= '0' && text[count - back].Char <= last

        let value back = int text[count - back].Char - int '0'

        if isDigit 3 '3' && isDigit 2 '7' && isDigit 1 '7' then
            value 3 * 64 + value 2 * 8 + value 1
        else
            -1

    /// Whether an escape was removed. A backslash that was one does not escape the backslash of the next escape.
    let private wasEscaped (character: Seen) = character.Next - character.From > 1

    /// The escape at the end of the first `count` characters.
    let private escapeAtEnd (isQuoted: bool) (text: Seen[]) (count: int) =
        let isAt back (c: char) =
            count >= back && text[count - back].Char = c

        let last = text[count - 1].Char

        if last = ';' then
            match numericEntity text count with
            | { Length = 0 } -> namedEntity text count
            | escape -> escape
        elif last = '}' then
            bracedEscape text count
        elif isAt 3 '%' && hex text count 2 >= 0 then
            {
                octet (hex text count 2) 3 with
                    IsPercent = true
            }
        elif isQuoted && isAt 3 '=' && hex text count 2 >= 0 then
            octet (hex text count 2) 3
        elif isAt 6 '\\' && isAt 5 'u' && hex text count 4 >= 0 then
            escape (hex text count 4) 6
        elif isAt 6 '%' && (isAt 5 'u' || isAt 5 'U') && hex text count 4 >= 0 then
            {
                escape (hex text count 4) 6 with
                    IsPercent = true
            }
        elif
            isAt 10 '\\'
            && isAt 9 'U'
            && hex text count 8 >= 0
            && hex text count 8 <= 0xFFFF
        then
            escape (hex text count 8) 10
        elif isAt 4 '\\' && octal text count >= 0 then
            octet (octal text count) 4
        elif isAt 4 '\\' && isAt 3 'x' && hex text count 2 >= 0 then
            escape (hex text count 2) 4
        elif isAt 2 '\\' then
            match last with
            | 'n'
            | 'r'
            | 't' -> escape (int '\n') 2
            | '"'
            | '\''
            | '/' -> escape (int last) 2
            | '\\' when wasEscaped text[count - 2] = wasEscaped text[count - 1] -> escape (int last) 2
            | _ -> noEscape
        else
            noEscape

    /// Removes the escape at the end of the first `count` characters, then the one that this made, and so on. Each
    /// escape is longer than what it stands for. Returns how many characters are left.
    let rec private unescapeEnd (isQuoted: bool) (text: Seen[]) (count: int) =
        match escapeAtEnd isQuoted text count with
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
                Depth = if escape.IsPercent then depth + 1 else depth
                IsOctet = escape.IsOctet
            }

            unescapeEnd isQuoted text (first + 1)

    let private asWritten (text: string) (i: int) = {
        Char = text[i]
        From = i
        Next = i + 1
        Depth = 0
        IsOctet = false
    }

    /// The characters of the text as they are written.
    let raw (text: string) : Seen[] = Array.init text.Length (asWritten text)

    let private without (isQuoted: bool) (text: string) : Seen[] =
        let seen: Seen[] = Array.zeroCreate text.Length
        let mutable count = 0

        for i in 0 .. text.Length - 1 do
            seen[count] <- asWritten text i
            count <- unescapeEnd isQuoted seen (count + 1)

        if count = seen.Length then seen else seen.AsSpan(0, count).ToArray()

    /// The characters of the text without escapes.
    let see (text: string) : Seen[] = without false text

    /// The same, without the escapes of quoted-printable either.
    let seeQuoted (text: string) : Seen[] = without true text

    /// The characters alone.
    let plain (seen: Seen[]) : string =
        let characters = StringBuilder seen.Length

        for character in seen do
            characters.Append character.Char |> ignore

        characters.ToString()

    /// The text without escapes.
    let text (text: string) : string =
        if mayHaveEscapes text then plain (see text) else text

    /// False if no `=` can begin an escape of quoted-printable, not even after another escape was removed.
    let mayBeQuoted (text: string) : bool =
        let isQuoted (text: string) =
            let mutable i = text.IndexOf '='

            while i >= 0
                  && not (
                      i + 2 < text.Length
                      && Char.IsAsciiHexDigit text[i + 1]
                      && Char.IsAsciiHexDigit text[i + 2]
                  ) do
                i <- text.IndexOf('=', i + 1)

            i >= 0

        // Another escape may stand for the `=` or for a digit.
        isQuoted text || mayHaveEscapes text && isQuoted (plain (see text))
