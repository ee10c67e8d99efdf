namespace CellOS.Export.S3.Core

open System
open System.Text

/// Removes the escapes from a text and keeps the original range of each character, so that what is found in the
/// decoded text can be masked in the original.
///
/// Rules that this module keeps:
/// - percent-encoding, the escapes of JSON strings (RFC 8259, 7) and XML entities are decoded, in any mixture and
///   however often they were applied;
/// - the time is proportional to the length of the text.
module internal Unescape =

    /// A decoded character.
    [<Struct>]
    type Seen = {
        Char: char
        /// The original range of the character: its first position, and the position after its last.
        From: int
        Next: int
        /// How often the character was percent-encoded.
        Depth: int
        /// True if the last escape removed was a percent-escape: the character is an octet, maybe one of several that
        /// make up a character in UTF-8.
        IsOctet: bool
    }

    /// An escape: the character that it stands for and its length. A length of 0 means that there is no escape.
    [<Struct>]
    type private Escape = {
        Stands: char
        Length: int
        IsPercent: bool
    }

    let private noEscape = {
        Stands = ' '
        Length = 0
        IsPercent = false
    }

    let private escape (code: int) length = {
        Stands = char code
        Length = length
        IsPercent = false
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

    /// The value of so many hexadecimal digits at the end; -1 if they are something else.
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

    /// The escape at the end of the first `count` characters.
    let private escapeAtEnd (text: Seen[]) (count: int) =
        let isAt back (c: char) =
            count >= back && text[count - back].Char = c

        let last = text[count - 1].Char

        if last = ';' then
            match numericEntity text count with
            | { Length = 0 } -> namedEntity text count
            | escape -> escape
        elif isAt 3 '%' && hex text count 2 >= 0 then
            {
                escape (hex text count 2) 3 with
                    IsPercent = true
            }
        elif isAt 6 '\\' && isAt 5 'u' && hex text count 4 >= 0 then
            escape (hex text count 4) 6
        elif isAt 4 '\\' && isAt 3 'x' && hex text count 2 >= 0 then
            escape (hex text count 2) 4
        elif isAt 2 '\\' then
            match last with
            | 'n'
            | 'r'
            | 't' -> escape (int '\n') 2
            | '"'
            | '\''
            | '/'
            | '\\' -> escape (int last) 2
            | _ -> noEscape
        else
            noEscape

    /// Removes the escape at the end of the first `count` characters, then the one that this made, and so on. Each
    /// escape is longer than what it stands for. Returns how many characters are left.
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
                Depth = if escape.IsPercent then depth + 1 else depth
                IsOctet = escape.IsPercent
            }

            unescapeEnd text (first + 1)

    let private asWritten (text: string) (i: int) = {
        Char = text[i]
        From = i
        Next = i + 1
        Depth = 0
        IsOctet = false
    }

    /// The characters of the text as they are written.
    let raw (text: string) : Seen[] = Array.init text.Length (asWritten text)

    /// The characters of the text without escapes.
    let see (text: string) : Seen[] =
        let seen: Seen[] = Array.zeroCreate text.Length
        let mutable count = 0

        for i in 0 .. text.Length - 1 do
            seen[count] <- asWritten text i
            count <- unescapeEnd seen (count + 1)

        if count = seen.Length then seen else seen.AsSpan(0, count).ToArray()

    /// The characters alone.
    let plain (seen: Seen[]) : string =
        let characters = StringBuilder seen.Length

        for character in seen do
            characters.Append character.Char |> ignore

        characters.ToString()
