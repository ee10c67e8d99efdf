namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Text.RegularExpressions

/// Finds parts of secrets where something cut them.
///
/// Rules that this module keeps:
/// - a part of a secret, `Shortest` characters or more, is found where something cut it: its beginning at the end of a
///   text or before an ellipsis or a mask, its end at the start of a text or behind one. Whole words of a compound value
///   are not such a part;
/// - the beginning or the end of a secret, 8 characters or more, is found wherever it appears: programs mark a cut in many
///   ways. So is one of 12 characters or more that another letter or digit follows. Words and numbers that end where a
///   word of the secret does are not such a part.
[<RequireQualifiedAccess>]
module internal SecretCuts =

    /// What replaces a secret.
    [<Literal>]
    let Mask = "REDACTED"

    /// The fewest characters of a secret, and of a part of one.
    [<Literal>]
    let Shortest = 6

    let private wordCharacters =
        SearchValues.Create "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ./+"

    /// The most characters that a cut leaves of an escape: `\U0000002`, or `U0000002B` on the other side.
    [<Literal>]
    let private LongestTorn = 9

    /// The fewest letters and digits of a part of a secret that is found with others between them.
    [<Literal>]
    let private ShortestSplitPart = 8

    /// True for words, numbers, times and the names of protocols, with signs between them: `20260301/us-west-2/s3/aws4_request`.
    let isOrdinary (part: ReadOnlySpan<char>) =
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

    /// True for words and the signs between them. A longer run of letters is not a word.
    let private isWords (text: ReadOnlySpan<char>) =
        text.IndexOfAnyExcept wordCharacters < 0 && isOrdinary text

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
    let addTorn
        (found: ResizeArray<struct (int * int)>)
        (view: SecretView.View)
        (needles: string[])
        (split: string[])
        first
        stop
        =
        let text = view.Text
        let struct (letters, places) = SecretView.squeeze Char.IsAsciiLetterOrDigit view

        /// How many of the letters and digits are before this place of the view.
        let lettersBefore (place: int) =
            match Array.BinarySearch(places, place) with
            | i when i < 0 -> ~~~i
            | i -> i

        let isMasked (at: int) =
            found.Exists(fun (struct (from, next)) -> from <= at && at < next)

        let addHead (from: int) (last: int) =
            let struct (from, _) = SecretView.placeAt view from
            let struct (last, _) = SecretView.placeAt view last

            if not (isMasked (first + last)) then
                found.Add struct (first + from, stop)

        let addTail (from: int) (last: int) =
            let struct (from, _) = SecretView.placeAt view from
            let struct (_, next) = SecretView.placeAt view last

            if not (isMasked (first + from)) then
                found.Add struct (first, first + next)

        for torn in 0 .. min LongestTorn text.Length do
            let place = text.Length - torn

            if torn = 0 || tornEnd.IsMatch(text.AsSpan place) then
                match headAtEnd Shortest needles (text.AsSpan(0, place)) with
                | 0 -> ()
                | length -> addHead (place - length) (place - 1)

                let count = lettersBefore place

                match headAtEnd ShortestSplitPart split (letters.AsSpan(0, count)) with
                | 0 -> ()
                | length -> addHead places[count - length] places[count - 1]

        for torn in 0 .. min LongestTorn text.Length do
            if torn = 0 || tornStart.IsMatch(text.AsSpan(0, torn)) then
                match tailAtStart Shortest needles (text.AsSpan torn) with
                | 0 -> ()
                | length -> addTail torn (torn + length - 1)

                let count = lettersBefore torn

                match tailAtStart ShortestSplitPart split (letters.AsSpan count) with
                | 0 -> ()
                | length -> addTail places[count] places[count + length - 1]

    /// The fewest characters of the beginning or the end of a secret that is masked wherever it appears, whatever marks
    /// the cut.
    [<Literal>]
    let private ShortestPart = 8

    /// The fewest characters of such a part where a letter or a digit follows in the place of what was cut.
    [<Literal>]
    let private ShortestOpenPart = 12

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
    let addPartsOf (ranges: ResizeArray<struct (int * int)>) (view: SecretView.View) (needles: string[]) =
        let isOpen place =
            place >= 0
            && place < view.Text.Length
            && Char.IsAsciiLetterOrDigit view.Text[place]

        let add first stop =
            let struct (from, _) = SecretView.placeAt view first
            let struct (_, next) = SecretView.placeAt view (stop - 1)
            ranges.Add struct (from, next)

        addParts view.Text needles isOpen add

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
    let pieces (text: string) : struct (int * int) list = [
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
