namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text
open System.Text.RegularExpressions

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
/// - a part of a secret, `Shortest` characters or more, is masked where something cut it: its beginning at the end of a
///   text or before an ellipsis or a mask, its end at the start of a text or behind one. Whole words of a compound value
///   are not such a part;
/// - the beginning or the end of a secret, 8 characters or more, is masked wherever it appears: programs mark a cut in many
///   ways. So is one of 12 characters or more that another letter or digit follows. Words and numbers that end where a
///   word of the secret does are not such a part;
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

    let private wordCharacters =
        SearchValues.Create "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ./+"

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
                let spellings = [
                    Unescape.see value
                    // In the same view of a text, a '=' of the value's own and two digits are an escape as well.
                    if Unescape.mayBeQuoted value then
                        Unescape.seeQuoted value
                ]

                for seen in spellings do
                    let whole = (foldSeen seen).Text.Trim '+'
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

    /// The longest tag that may be between the parts of a secret.
    [<Literal>]
    let private LongestTag = 64

    /// The same without the letters and digits of tags, which a program may have put between the parts of a secret.
    let private squeezeWithoutTags (view: View) : struct (string * int[]) =
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

    let private addSplitIn
        (ranges: ResizeArray<struct (int * int)>)
        (view: View)
        (needles: string[])
        (struct (text: string, places: int[]))
        =
        for needle in needles do
            let mutable from = 0

            while from >= 0 do
                match text.IndexOf(needle, from, StringComparison.Ordinal) with
                | -1 -> from <- -1
                | i ->
                    let struct (first, _) = placeAt view places[i]
                    let struct (_, stop) = placeAt view places[i + needle.Length - 1]
                    ranges.Add struct (first, stop)
                    from <- i + needle.Length

    let private addSplit (ranges: ResizeArray<struct (int * int)>) (view: View) (needles: string[]) =
        if needles.Length > 0 then
            addSplitIn ranges view needles (squeeze view)

            if view.Text.Contains '<' then
                addSplitIn ranges view needles (squeezeWithoutTags view)

    /// The most characters that a cut leaves of an escape: `\U0000002`, or `U0000002B` on the other side.
    [<Literal>]
    let private LongestTorn = 9

    /// The fewest letters and digits of a part of a secret that is found with others between them.
    [<Literal>]
    let private ShortestSplitPart = 8

    /// True for letters and the signs between words.
    let private isWords (text: ReadOnlySpan<char>) =
        text.IndexOfAnyExcept wordCharacters < 0

    /// True if the needle behind this place is whole words: 'request' at the end of 'aws4_request' is not part of a
    /// credential. Between the letters and digits of a split one, words have no end.
    let private endsWithWords (isSplit: bool) (needle: string) (first: int) =
        (isSplit || not (Char.IsAsciiLetterOrDigit needle[first - 1]))
        && isWords (needle.AsSpan first)

    /// The same for the needle before this place.
    let private beginsWithWords (isSplit: bool) (needle: string) (stop: int) =
        (isSplit || not (Char.IsAsciiLetterOrDigit needle[stop]))
        && isWords (needle.AsSpan(0, stop))

    /// The length of the longest beginning of one of the needles that the text ends with; 0 for less than `least`.
    let private headAtEnd (least: int) (needles: string[]) (text: ReadOnlySpan<char>) =
        let mutable longest = least - 1

        for needle in needles do
            let mutable length = min (needle.Length - 1) text.Length

            while length > longest
                  && (not (text.Slice(text.Length - length).SequenceEqual(needle.AsSpan(0, length)))
                      || beginsWithWords (least = ShortestSplitPart) needle length) do
                length <- length - 1

            longest <- max longest length

        if longest < least then 0 else longest

    /// The length of the longest end of one of the needles that the text begins with; 0 for less than `least`.
    let private tailAtStart (least: int) (needles: string[]) (text: ReadOnlySpan<char>) =
        let mutable longest = least - 1

        for needle in needles do
            let mutable length = min (needle.Length - 1) text.Length

            while length > longest
                  && (not (text.Slice(0, length).SequenceEqual(needle.AsSpan(needle.Length - length)))
                      || endsWithWords (least = ShortestSplitPart) needle (needle.Length - length)) do
                length <- length - 1

            longest <- max longest length

        if longest < least then 0 else longest

    /// An escape without its last characters.
    let private tornEnd =
        Regex(
            @"\A(%(u[0-9a-f]{0,3}|[0-9a-f])?|\\(u\{?[0-9a-f]{0,7}|x[0-9a-f]?|[0-7]{1,2})?|&#?[a-z0-9]{0,7}|=[0-9a-f]?)\z",
            RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
        )

    /// An escape without its first characters.
    let private tornStart =
        Regex(
            @"\A([ux]?\{?|#x?)[0-9a-f]{0,8}[;}]?\z",
            RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
        )

    /// Adds the range of the beginning of a secret at the end of a piece of the text, and that of the end of a secret at
    /// its start. The cut may have gone through an escape. `first` and `stop` are the piece's places in the text. What
    /// `found` has is masked already.
    let private addTorn (found: ResizeArray<struct (int * int)>) (view: View) (secrets: Secrets) first stop =
        let text = view.Text
        let struct (letters, places) = squeeze view

        /// How many of the letters and digits are before this place of the view.
        let lettersBefore (place: int) =
            match Array.BinarySearch(places, place) with
            | i when i < 0 -> ~~~i
            | i -> i

        let isMasked (at: int) =
            found.Exists(fun (struct (from, next)) -> from <= at && at < next)

        let addHead (from: int) (last: int) =
            let struct (from, _) = placeAt view from
            let struct (last, _) = placeAt view last

            if not (isMasked (first + last)) then
                found.Add struct (first + from, stop)

        let addTail (from: int) (last: int) =
            let struct (from, _) = placeAt view from
            let struct (_, next) = placeAt view last

            if not (isMasked (first + from)) then
                found.Add struct (first, first + next)

        for torn in 0 .. min LongestTorn text.Length do
            let place = text.Length - torn

            if torn = 0 || tornEnd.IsMatch(text.AsSpan place) then
                match headAtEnd Shortest secrets.Needles (text.AsSpan(0, place)) with
                | 0 -> ()
                | length -> addHead (place - length) (place - 1)

                let count = lettersBefore place

                match headAtEnd ShortestSplitPart secrets.Split (letters.AsSpan(0, count)) with
                | 0 -> ()
                | length -> addHead places[count - length] places[count - 1]

        for torn in 0 .. min LongestTorn text.Length do
            if torn = 0 || tornStart.IsMatch(text.AsSpan(0, torn)) then
                match tailAtStart Shortest secrets.Needles (text.AsSpan torn) with
                | 0 -> ()
                | length -> addTail torn (torn + length - 1)

                let count = lettersBefore torn

                match tailAtStart ShortestSplitPart secrets.Split (letters.AsSpan count) with
                | 0 -> ()
                | length -> addTail places[count] places[count + length - 1]

    /// The fewest characters of the beginning or the end of a secret that is masked wherever it appears, whatever marks
    /// the cut.
    [<Literal>]
    let private ShortestPart = 8

    /// The fewest characters of such a part where a letter or a digit follows in the place of what was cut.
    [<Literal>]
    let private ShortestOpenPart = 12

    /// True for words, numbers, times and the names of protocols, with signs between them: `20260301/us-west-2/s3/aws4_request`.
    let private isOrdinary (part: ReadOnlySpan<char>) =
        let mutable isOrdinary = true
        let mutable first = 0

        for i in 0 .. part.Length do
            if i = part.Length || not (Char.IsAsciiLetterOrDigit part[i]) then
                let run = part.Slice(first, i - first)

                isOrdinary <-
                    isOrdinary
                    && (run.Length <= 6
                        || run.Length <= 16 && run.IndexOfAnyExcept "0123456789tz" < 0
                        || run.Length <= 15 && not (run.ContainsAnyInRange('0', '9'))
                        || run.Length <= 14 && not (run.ContainsAnyExceptInRange('0', '9')))

                first <- i + 1

        isOrdinary

    /// True if a part of a needle identifies it. `isWhole` says whether the part ends where a word of the needle does, `isOpen`
    /// whether a letter or a digit follows in the text.
    let private isTelling (part: ReadOnlySpan<char>) (isWhole: bool) (isOpen: bool) =
        part.Length >= (if isOpen then ShortestOpenPart else ShortestPart)
        && not (isWords part)
        && not (isWhole && isOrdinary part)

    /// Adds the ranges of the beginnings and the ends of needles in a text. `isOpen` says whether a letter or a digit
    /// is at the place of the text; `add` adds the range between two places.
    let private addParts (text: string) (needles: string[]) (isOpen: int -> bool) (add: int -> int -> unit) =
        for needle in needles do
            if needle.Length > ShortestPart then
                let head = needle.AsSpan(0, ShortestPart)
                let mutable from = 0

                while from >= 0 do
                    match text.AsSpan(from).IndexOf head with
                    | -1 -> from <- -1
                    | i ->
                        let first = from + i
                        let length = text.AsSpan(first).CommonPrefixLength(needle.AsSpan())

                        let isWhole =
                            length = needle.Length || not (Char.IsAsciiLetterOrDigit needle[length])

                        if isTelling (needle.AsSpan(0, length)) isWhole (isOpen (first + length)) then
                            add first (first + length)
                            from <- first + length
                        else
                            from <- first + 1

                let tail = needle.AsSpan(needle.Length - ShortestPart)
                from <- 0

                while from >= 0 do
                    match text.AsSpan(from).IndexOf tail with
                    | -1 -> from <- -1
                    | i ->
                        let stop = from + i + ShortestPart
                        let mutable length = ShortestPart

                        while length < needle.Length
                              && length < stop
                              && text[stop - length - 1] = needle[needle.Length - length - 1] do
                            length <- length + 1

                        let isWhole =
                            length = needle.Length
                            || not (Char.IsAsciiLetterOrDigit needle[needle.Length - length - 1])

                        if
                            isTelling
                                (needle.AsSpan(needle.Length - length))
                                isWhole
                                (isOpen (stop - length - 1))
                        then
                            add (stop - length) stop

                        from <- from + i + 1

    /// Adds the ranges of the beginnings and the ends of secrets in a view, also with other characters between their
    /// letters and digits.
    let private addPartsOf (ranges: ResizeArray<struct (int * int)>) (view: View) (secrets: Secrets) =
        let isOpen place =
            place >= 0
            && place < view.Text.Length
            && Char.IsAsciiLetterOrDigit view.Text[place]

        let add first stop =
            let struct (from, _) = placeAt view first
            let struct (_, next) = placeAt view (stop - 1)
            ranges.Add struct (from, next)

        addParts view.Text secrets.Needles isOpen add

    /// The first ellipsis or mask at or after the place, and its length; (-1, 0) for none.
    let rec private cutFrom (text: string) (place: int) : struct (int * int) =
        match text.AsSpan(place).IndexOfAny('…', '.', Mask[0]) with
        | -1 -> struct (-1, 0)
        | i when text[place + i] = '…' -> struct (place + i, 1)
        | i when String.CompareOrdinal(text, place + i, "...", 0, 3) = 0 -> struct (place + i, 3)
        | i when String.CompareOrdinal(text, place + i, Mask, 0, Mask.Length) = 0 ->
            struct (place + i, Mask.Length)
        | i -> cutFrom text (place + i + 1)

    /// The places of the pieces that a program cut the text into: an ellipsis, or a mask, stands for what is missing.
    let private pieces (text: string) : struct (int * int) list = [
        let mutable first = 0

        while first >= 0 do
            match cutFrom text first with
            | struct (-1, _) ->
                struct (first, text.Length)
                first <- -1
            | struct (at, length) ->
                struct (first, at)
                first <- at + length
    ]

    let private rangesIn (secrets: Secrets) (text: string) =
        let ranges = ResizeArray<struct (int * int)>()

        if secrets.Needles.Length > 0 && text.Length >= Shortest then
            let views = viewsOf text

            for view in views do
                for needle in secrets.Needles do
                    addRanges ranges view needle

                addSplit ranges view secrets.Split

            for struct (first, stop) in pieces text do
                if stop - first = text.Length then
                    for view in views do
                        addTorn ranges view secrets first stop
                elif stop - first >= Shortest then
                    for view in viewsOf (text.Substring(first, stop - first)) do
                        addTorn ranges view secrets first stop

            // What is torn is looked for first: it may have part of an escape beside it.
            for view in views do
                addPartsOf ranges view secrets

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
