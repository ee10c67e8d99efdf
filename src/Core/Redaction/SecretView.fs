namespace CellOS.Export.S3.Core

open System
open System.Text

/// A text in the spelling in which secrets and texts are compared: without escapes and without regard to case. `+`, a blank
/// and `-` are one character, `/` and `_` another.
[<RequireQualifiedAccess>]
module internal SecretView =

    /// A text in the spelling for comparison, and the original range of each of its characters. Null ranges mean that
    /// every character is where it was.
    [<Struct>]
    type View = {
        Text: string
        Seen: Unescape.Seen[] | null
    }

    let private fold (c: char) =
        match c with
        | ' '
        | '-' -> '+'
        | '_' -> '/'
        | c -> Char.ToLowerInvariant c

    let private foldAscii (text: string) = String.map fold text

    /// The ASCII character that a full-width or mathematical letter or digit stands for (Unicode Standard Annex 15, NFKC);
    /// `\000` for none.
    let private asciiOf (rune: Rune) : char =
        match rune.Value with
        | value when value >= 0xFF01 && value <= 0xFF5E -> char (value - 0xFEE0)
        | value when value >= 0x1D400 && value <= 0x1D6A3 ->
            let letter = (value - 0x1D400) % 52
            char (if letter < 26 then int 'A' + letter else int 'a' + letter - 26)
        | value when value >= 0x1D7CE && value <= 0x1D7FF -> char (int '0' + (value - 0x1D7CE) % 10)
        | _ -> '\000'

    /// Octets, as percent-encoding has them, of what is not ASCII.
    let foldSeen (seen: Unescape.Seen[]) : View =
        let text = StringBuilder seen.Length
        let places = ResizeArray<Unescape.Seen> seen.Length
        let octets: byte[] = Array.zeroCreate 4
        let mutable i = 0

        while i < seen.Length do
            let c = seen[i]

            if c.Char < '\u0080' || c.IsOctet then
                text.Append(if c.Char < '\u0080' then fold c.Char else c.Char) |> ignore
                places.Add c
                i <- i + 1
            else
                let isPair = i + 1 < seen.Length && Char.IsSurrogatePair(c.Char, seen[i + 1].Char)

                let rune, last =
                    if isPair then Rune(c.Char, seen[i + 1].Char), seen[i + 1]
                    elif Char.IsSurrogate c.Char then Rune.ReplacementChar, c
                    else Rune c.Char, c

                match asciiOf rune with
                | '\000' ->
                    for n in 0 .. rune.EncodeToUtf8(octets.AsSpan()) - 1 do
                        text.Append(char octets[n]) |> ignore
                        places.Add { c with Next = last.Next }
                | ascii ->
                    text.Append(fold ascii) |> ignore
                    places.Add { c with Next = last.Next }

                i <- i + (if isPair then 2 else 1)

        {
            Text = text.ToString()
            Seen = places.ToArray()
        }

    /// The views of a text in which secrets are looked for.
    let viewsOf (text: string) : View list =
        let isAscii = Ascii.IsValid(text.AsSpan())
        let hasEscapes = Unescape.mayHaveEscapes text

        [
            if hasEscapes || not isAscii then
                foldSeen (Unescape.see text)

            // What precedes a secret may make an escape of its first characters: 'C:\\next', '100%cafe'.
            if isAscii then
                { Text = foldAscii text; Seen = null }
            elif hasEscapes then
                foldSeen (Unescape.raw text)

            if Unescape.mayBeQuoted text then
                foldSeen (Unescape.seeQuoted text)
        ]

    /// The original range of a character of the view.
    let placeAt (view: View) (i: int) : struct (int * int) =
        match view.Seen with
        | null -> struct (i, i + 1)
        | seen -> struct (seen[i].From, seen[i].Next)

    /// The characters of a view that are kept, and where each is in it.
    let squeeze (isKept: char -> bool) (view: View) : struct (string * int[]) =
        let places = [|
            for i in 0 .. view.Text.Length - 1 do
                if isKept view.Text[i] then
                    i
        |]

        struct (String.filter isKept view.Text, places)
