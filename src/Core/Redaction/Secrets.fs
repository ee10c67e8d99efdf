namespace CellOS.Export.S3.Core

open System
open System.Text

/// Secret values, prepared for the search. `ToString` shows none of them.
[<Sealed>]
type internal Secrets(needles: string[]) =
    let mutable split: string[] | null = null
    let mutable short: struct (string * int)[] | null = null
    let mutable middles: SecretMiddles | null = null

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

    /// The shorter values of letters and digits, which a blank or a line break may split: without what reads as a blank, and
    /// with the number of gaps in their characters, that of the break included.
    member _.Short: struct (string * int)[] =
        match short with
        | null ->
            let made = [|
                for needle in Array.distinct needles do
                    let dense = needle |> String.filter (fun c -> c <> '+')

                    if
                        dense.Length >= SecretCuts.Shortest
                        && dense.Length < Secrets.ShortestSplit
                        && String.exists Char.IsAsciiDigit dense
                        && String.exists Char.IsAsciiLetter dense
                    then
                        struct (dense, 1 + needle.Length - dense.Length)
            |]

            short <- made
            made
        | made -> made

    /// What recognizes the middle of a value, made when a text is first searched.
    member _.Middles: SecretMiddles =
        match middles with
        | null ->
            let made = SecretMiddles needles
            middles <- made
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
///   characters, or what was markup. A shorter one of letters and digits is found if one blank or line break splits it;
/// - a part of a secret is masked as `SecretCuts` and `SecretMiddles` say;
/// - a secret in Base64 or as octets is masked as `SecretEncodings` says;
/// - values shorter than `Shortest` are ignored: they are not secrets, and appear in any text.
[<RequireQualifiedAccess>]
module internal Secrets =

    /// What replaces a secret.
    [<Literal>]
    let Mask = SecretCuts.Mask

    [<Literal>]
    let Shortest = SecretCuts.Shortest

    let none = Secrets [||]

    /// The secrets with these values, as a URL or a header has them.
    let create (values: string seq) : Secrets =
        Secrets [|
            for value in values do
                let spellings = [
                    Unescape.see value
                    // In the same view of a text, a '=' of the value's own and two digits are an escape as well.
                    if Unescape.mayBeQuoted value then
                        Unescape.seeQuoted value
                ]

                for seen in spellings do
                    let whole = (SecretView.foldSeen seen).Text.Trim '+'
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

    /// The first characters of a needle that may be missing: an escape takes away no more than five. `%` takes two, and a
    /// short needle is recognized without them if words and numbers are not all of it.
    let private headOf (needle: string) =
        if needle.Length >= 16 then 5
        elif needle.Length >= 9 && not (SecretCuts.isOrdinary (needle.AsSpan 2)) then 2
        else 0

    /// Where a match begins whose characters behind the needle's head begin at `at`, and how many of its head are missing.
    let private beginOf (text: string) (needle: string) (at: int) : struct (int * int) =
        let mutable first = at
        let mutable missing = headOf needle

        while missing > 0 && first > 0 && text[first - 1] = needle[missing - 1] do
            first <- first - 1
            missing <- missing - 1

        struct (first, missing)

    /// Whether the character before a place was an escape: what is missing of a needle there is part of it.
    let private isAfterEscape (view: SecretView.View) (place: int) =
        place > 0
        && (let struct (from, next) = SecretView.placeAt view (place - 1)
            next - from > 1)

    /// The original range of a match, whose characters behind the needle's head begin at `at`.
    let private rangeOf (view: SecretView.View) (needle: string) (at: int) : struct (int * int) =
        let struct (first, missing) = beginOf view.Text needle at
        let isEaten = missing > 0 && isAfterEscape view first

        let struct (from, _) =
            SecretView.placeAt view (if isEaten then first - 1 else first)

        let struct (_, next) =
            SecretView.placeAt view (at + needle.Length - headOf needle - 1)

        struct (from, next)

    let private addRanges (ranges: ResizeArray<struct (int * int)>) (view: SecretView.View) (needle: string) =
        let tail = needle.AsSpan(headOf needle)
        let mutable from = 0

        while from >= 0 do
            match view.Text.AsSpan(from).IndexOf tail with
            | -1 -> from <- -1
            | i ->
                ranges.Add(rangeOf view needle (from + i))
                from <- from + i + tail.Length

    /// The longest tag that may be between the parts of a secret.
    [<Literal>]
    let private LongestTag = 64

    /// The same without the letters and digits of tags, which a program may have put between the parts of a secret.
    let private squeezeWithoutTags (view: SecretView.View) : struct (string * int[]) =
        let text = view.Text
        let letters = StringBuilder text.Length
        let places = ResizeArray<int> text.Length
        let mutable i = 0

        while i < text.Length do
            let tag =
                if text[i] = '<' then
                    text.AsSpan(i, min LongestTag (text.Length - i)).IndexOf '>'
                else
                    -1

            if tag < 0 && Char.IsAsciiLetterOrDigit text[i] then
                letters.Append text[i] |> ignore
                places.Add i

            i <- i + 1 + max tag 0

        struct (letters.ToString(), places.ToArray())

    /// Adds the ranges of a needle with no more than `mostGaps` gaps between its characters. Its head may be missing if part
    /// of an escape is in its place.
    let private addSplitIn
        (ranges: ResizeArray<struct (int * int)>)
        (view: SecretView.View)
        (struct (text: string, places: int[]))
        (struct (needle: string, mostGaps: int))
        =
        let tail = needle.Substring(headOf needle)
        let mutable from = 0

        while from >= 0 do
            match text.IndexOf(tail, from, StringComparison.Ordinal) with
            | -1 -> from <- -1
            | i ->
                let last = i + tail.Length - 1
                let struct (first, missing) = beginOf text needle i
                let isEaten = missing > 0 && isAfterEscape view places[first]
                let mutable gaps = 0

                for n in first + 1 .. last do
                    if places[n] > places[n - 1] + 1 then
                        gaps <- gaps + 1

                if gaps <= mostGaps && (missing = 0 || isEaten) then
                    let place = if isEaten then places[first] - 1 else places[first]
                    let struct (start, _) = SecretView.placeAt view place
                    let struct (_, stop) = SecretView.placeAt view places[last]
                    ranges.Add struct (start, stop)

                from <- last + 1

    /// A blank, which reads as `+`, or a line break.
    let private isBlank (c: char) = c = '+' || Char.IsWhiteSpace c

    let private addSplit
        (ranges: ResizeArray<struct (int * int)>)
        (view: SecretView.View)
        (secrets: Secrets)
        =
        let addAll squeezed =
            for needle in secrets.Split do
                addSplitIn ranges view squeezed (struct (needle, Int32.MaxValue))

        if secrets.Split.Length > 0 then
            addAll (SecretView.squeeze Char.IsAsciiLetterOrDigit view)

            if view.Text.Contains '<' then
                addAll (squeezeWithoutTags view)

        if secrets.Short.Length > 0 then
            let squeezed = SecretView.squeeze (isBlank >> not) view
            Array.iter (addSplitIn ranges view squeezed) secrets.Short

    let private rangesIn (secrets: Secrets) (text: string) =
        let ranges = ResizeArray<struct (int * int)>()

        if secrets.Needles.Length > 0 && text.Length >= Shortest then
            let views = SecretView.viewsOf text

            for view in views do
                for needle in secrets.Needles do
                    addRanges ranges view needle

                addSplit ranges view secrets

            for struct (first, stop) in SecretCuts.pieces text do
                if stop - first = text.Length then
                    for view in views do
                        SecretCuts.addTorn ranges view secrets.Needles secrets.Split first stop
                elif stop - first >= Shortest then
                    for view in SecretView.viewsOf (text.Substring(first, stop - first)) do
                        SecretCuts.addTorn ranges view secrets.Needles secrets.Split first stop

            // What is torn is looked for first: it may have part of an escape beside it.
            for view in views do
                SecretCuts.addPartsOf ranges view secrets.Needles
                secrets.Middles.AddRanges(ranges, view)

            SecretEncodings.addRanges ranges text secrets.Needles

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
