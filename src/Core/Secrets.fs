namespace CellOS.Export.S3.Core

open System
open System.Text

/// Secret values, prepared for the search. `ToString` shows none of them.
[<Sealed>]
type internal Secrets(needles: string[]) =
    let mutable split: string[] | null = null

    /// The fewest letters and digits of a secret that is found with others between them.
    static member private ShortestSplit = 12

    /// The values in the spelling that values and texts are compared in.
    member _.Needles = needles

    /// The letters and digits of the longer values, which are made when a text is first searched.
    member _.Split: string[] =
        match split with
        | null ->
            let made =
                needles
                |> Array.map (String.filter Char.IsAsciiLetterOrDigit)
                |> Array.filter (fun needle -> needle.Length >= Secrets.ShortestSplit)
                |> Array.distinct

            split <- made
            made
        | made -> made

    override _.ToString() = "REDACTED"

/// Finds known secrets in a text, in whatever spelling.
///
/// Rules that this module keeps:
/// - secret and text are compared without escapes (see `Unescape`) and without regard to case, and the original range
///   is masked;
/// - `+`, a blank and `-` are one character, `/` and `_` another: forms decode `+` to a blank, and Base64 has two
///   alphabets. Base64 padding is not part of a secret;
/// - a secret of 12 letters and digits or more is found whatever stands between them: blanks, line breaks, hidden
///   characters, or what was markup;
/// - the beginning of such a secret, 8 letters and digits or more, is masked at the end of a text: something cut it there;
/// - values shorter than `Shortest` are ignored: they are not secrets, and appear in any text.
[<RequireQualifiedAccess>]
module internal Secrets =

    /// What replaces a secret.
    [<Literal>]
    let Mask = "REDACTED"

    [<Literal>]
    let Shortest = 6

    let none = Secrets [||]

    /// A text in the spelling for comparison, and the original range of each of its characters. Null ranges mean that
    /// every character is where it was.
    [<Struct>]
    type private View = {
        Text: string
        Seen: Unescape.Seen[] | null
    }

    /// The fewest letters and digits of the beginning of a secret that is masked at the end of a text.
    [<Literal>]
    let private ShortestHead = 8

    let private fold (c: char) =
        match c with
        | ' '
        | '-' -> '+'
        | '_' -> '/'
        | c -> Char.ToLowerInvariant c

    let private foldAscii (text: string) = String.map fold text

    /// Octets, as percent-encoding has them, of what is not ASCII.
    let private foldSeen (seen: Unescape.Seen[]) : View =
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

                for n in 0 .. rune.EncodeToUtf8(octets.AsSpan()) - 1 do
                    text.Append(char octets[n]) |> ignore
                    places.Add { c with Next = last.Next }

                i <- i + (if isPair then 2 else 1)

        {
            Text = text.ToString()
            Seen = places.ToArray()
        }

    let private viewsOf (text: string) : View list =
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

    /// The secrets with these values, as a URL or a header has them.
    let create (values: string seq) : Secrets =
        Secrets [|
            for value in values do
                let whole = (foldSeen (Unescape.see value)).Text.Trim '+'
                let bare = whole.TrimEnd('=').Trim '+'

                if bare.Length >= Shortest then
                    bare

                    // So that its padding is masked with it.
                    if bare <> whole then
                        whole
        |]

    let append (first: Secrets) (second: Secrets) : Secrets =
        if second.Needles.Length = 0 then first
        elif first.Needles.Length = 0 then second
        else Secrets(Array.append first.Needles second.Needles)

    /// The secrets without those that are in one of the texts.
    let except (texts: string list) (secrets: Secrets) : Secrets =
        let others = (create texts).Needles

        let isOther (needle: string) =
            others |> Array.exists _.Contains(needle, StringComparison.Ordinal)

        if Array.exists isOther secrets.Needles then
            Secrets(secrets.Needles |> Array.filter (isOther >> not))
        else
            secrets

    /// How many of a needle's first characters may be missing: an escape takes away no more than five.
    let private headOf (needle: string) = if needle.Length >= 16 then 5 else 0

    let private placeAt (view: View) (i: int) : struct (int * int) =
        match view.Seen with
        | null -> struct (i, i + 1)
        | seen -> struct (seen[i].From, seen[i].Next)

    /// The original range of a match, whose characters behind the needle's head begin at `at`.
    let private rangeOf (view: View) (needle: string) (at: int) : struct (int * int) =
        let mutable first = at
        let mutable head = headOf needle

        while head > 0 && first > 0 && view.Text[first - 1] = needle[head - 1] do
            first <- first - 1
            head <- head - 1

        // What is missing is part of an escape that began before the secret.
        if head > 0 && first > 0 then
            match placeAt view (first - 1) with
            | struct (from, next) when next - from > 1 -> first <- first - 1
            | _ -> ()

        let struct (from, _) = placeAt view first
        let struct (_, next) = placeAt view (at + needle.Length - headOf needle - 1)
        struct (from, next)

    let private addRanges (ranges: ResizeArray<struct (int * int)>) (view: View) (needle: string) =
        let tail = needle.AsSpan(headOf needle)
        let mutable from = 0

        while from >= 0 do
            match view.Text.AsSpan(from).IndexOf tail with
            | -1 -> from <- -1
            | i ->
                ranges.Add(rangeOf view needle (from + i))
                from <- from + i + tail.Length

    /// The letters and digits of a view, and where each is in it.
    let private squeeze (view: View) : struct (string * int[]) =
        let places = [|
            for i in 0 .. view.Text.Length - 1 do
                if Char.IsAsciiLetterOrDigit view.Text[i] then
                    i
        |]

        struct (String.filter Char.IsAsciiLetterOrDigit view.Text, places)

    let private addSplit (ranges: ResizeArray<struct (int * int)>) (view: View) (needles: string[]) =
        let struct (text, places) = squeeze view

        let add first last =
            let struct (from, _) = placeAt view places[first]
            let struct (_, next) = placeAt view places[last]
            ranges.Add struct (from, next)

        for needle in needles do
            let mutable from = 0

            while from >= 0 do
                match text.IndexOf(needle, from, StringComparison.Ordinal) with
                | -1 -> from <- -1
                | i ->
                    add i (i + needle.Length - 1)
                    from <- i + needle.Length

            let mutable head = min (needle.Length - 1) text.Length

            while head >= ShortestHead
                  && not (text.AsSpan(text.Length - head).SequenceEqual(needle.AsSpan(0, head))) do
                head <- head - 1

            if head >= ShortestHead then
                add (text.Length - head) (text.Length - 1)

    let private rangesIn (secrets: Secrets) (text: string) =
        let ranges = ResizeArray<struct (int * int)>()

        if secrets.Needles.Length > 0 && text.Length >= Shortest then
            for view in viewsOf text do
                for needle in secrets.Needles do
                    addRanges ranges view needle

                addSplit ranges view secrets.Split

        ranges

    /// Whether one of the secrets appears in the text.
    let isIn (text: string) (secrets: Secrets) : bool = (rangesIn secrets text).Count > 0

    /// The text with the mask in place of the given ranges, which may overlap.
    let maskRanges (ranges: ResizeArray<struct (int * int)>) (text: string) : string =
        if ranges.Count = 0 then
            text
        else
            ranges.Sort()
            let result = StringBuilder text.Length
            let mutable at = 0

            for struct (first, stop) in ranges do
                if first >= at then
                    result.Append(text, at, first - at).Append(Mask) |> ignore

                at <- max at stop

            result.Append(text, at, text.Length - at).ToString()

    /// The text with the mask in place of every secret.
    let mask (secrets: Secrets) (text: string) : string = maskRanges (rangesIn secrets text) text
