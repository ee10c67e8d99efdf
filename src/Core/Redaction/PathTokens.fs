namespace CellOS.Export.S3.Core

open System

/// Finds segments of a path that look like random tokens: a gateway may authorize by one.
///
/// Rules that this module keeps:
/// - a token has 32 characters or more, of letters, digits, `-`, `_`, `~` and padding; other signs separate it from what is
///   before and behind it in its segment (`bot123:<token>`, `v1.<token>`);
/// - within it, 12 letters and digits or more are without a separator, and change 4 times or more between letter and
///   digit. A time of ISO 8601 changes 3 times;
/// - hexadecimal digits are a digest or a UUID, and no token.
[<RequireQualifiedAccess>]
module internal PathTokens =

    [<Literal>]
    let private Shortest = 32

    [<Literal>]
    let private ShortestRun = 12

    [<Literal>]
    let private FewestChanges = 4

    let private isRandom (run: ReadOnlySpan<char>) =
        let mutable changes = 0
        let mutable isHex = true

        for i in 0 .. run.Length - 1 do
            isHex <- isHex && Char.IsAsciiHexDigit run[i]

            if i > 0 && Char.IsAsciiDigit run[i] <> Char.IsAsciiDigit run[i - 1] then
                changes <- changes + 1

        run.Length >= ShortestRun && changes >= FewestChanges && not isHex

    /// True if a part of a segment looks like a random token.
    let private isTokenPart (part: ReadOnlySpan<char>) : bool =
        let mutable hasRun = false
        let mutable first = 0

        if part.Length >= Shortest then
            for i in 0 .. part.Length do
                if i = part.Length || not (Char.IsAsciiLetterOrDigit part[i]) then
                    hasRun <- hasRun || isRandom (part.Slice(first, i - first))
                    first <- i + 1

        hasRun

    /// True if a segment without escapes contains what looks like a random token.
    let isToken (segment: ReadOnlySpan<char>) : bool =
        let mutable isFound = false
        let mutable first = 0

        if segment.Length >= Shortest then
            for i in 0 .. segment.Length do
                if
                    i = segment.Length
                    || not (Char.IsAsciiLetterOrDigit segment[i] || "-_~+=".Contains segment[i])
                then
                    isFound <- isFound || isTokenPart (segment.Slice(first, i - first))
                    first <- i + 1

        isFound

    /// True if a word contains random letters and digits in a row, which are not all hexadecimal.
    let hasRandomRun (word: string) : bool =
        let mutable isFound = false
        let mutable first = 0

        for i in 0 .. word.Length do
            if i = word.Length || not (Char.IsAsciiLetterOrDigit word[i]) then
                isFound <- isFound || isRandom (word.AsSpan(first, i - first))
                first <- i + 1

        isFound

    /// The number of hexadecimal digits in a row that are a digest or a signature.
    [<Literal>]
    let private ShortestDigest = 32

    /// True if a name contains what looks random: a run of letters and digits as in a token, or the digits of a digest.
    let looksRandom (name: string) : bool =
        let mutable isFound = false
        let mutable first = 0

        for i in 0 .. name.Length do
            if i = name.Length || not (Char.IsAsciiLetterOrDigit name[i]) then
                let run = name.AsSpan(first, i - first)
                let mutable changes = 0

                for n in 1 .. run.Length - 1 do
                    if Char.IsAsciiDigit run[n] <> Char.IsAsciiDigit run[n - 1] then
                        changes <- changes + 1

                isFound <-
                    isFound
                    || run.Length >= ShortestRun && changes >= FewestChanges
                    || run.Length >= ShortestDigest
                       && run.IndexOfAnyExcept("0123456789abcdefABCDEF") < 0

                first <- i + 1

        isFound

    let private add (tokens: string list) (segment: string) =
        // An escaped slash ends a segment, too.
        (tokens, (Unescape.text segment).Split '/')
        ||> Array.fold (fun tokens part -> if isToken (part.AsSpan()) then part :: tokens else tokens)

    /// The tokens among the segments of the path between the two positions of a URL, without escapes.
    let ofPath (url: string) (first: int) (stop: int) : string list =
        let mutable tokens = []
        let mutable at = first

        while at < stop do
            let length =
                match url.AsSpan(at, stop - at).IndexOf '/' with
                | -1 -> stop - at
                | length -> length

            let segment = url.AsSpan(at, length)

            if length >= Shortest && (isToken segment || segment.Contains '%') then
                tokens <- add tokens (segment.ToString())

            at <- at + length + 1

        tokens
