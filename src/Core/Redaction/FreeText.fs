namespace CellOS.Export.S3.Core

open System

/// Reads the parts of a text without escapes: words, blanks and what ends a value.
[<RequireQualifiedAccess>]
module internal FreeText =

    /// An empty range.
    let nowhere = struct (0, 0)

    let isEmpty (struct (first: int, stop: int)) = stop <= first

    let slice (text: Unescape.Seen[]) (first: int) (stop: int) = Unescape.plain text[first .. stop - 1]

    /// True if the text continues with `words`, in any case, at `at`.
    let matchesAt (text: Unescape.Seen[]) (at: int) (words: string) =
        at + words.Length <= text.Length
        && (let mutable i = 0

            while i < words.Length
                  && Char.ToLowerInvariant text[at + i].Char = Char.ToLowerInvariant words[i] do
                i <- i + 1

            i = words.Length)

    let isBlank (c: char) = Char.IsWhiteSpace c || Char.IsControl c

    /// True for what ends a value or a URL in free text.
    let isEnd (depth: int) (c: Unescape.Seen) =
        c.Depth <= depth
        && (isBlank c.Char || c.Char = '"' || c.Char = '<' || c.Char = '>')

    /// The first position at or after `at` where `stop` is true, or the end of the text.
    let until (stop: Unescape.Seen -> bool) (text: Unescape.Seen[]) (at: int) =
        let mutable i = at

        while i < text.Length && not (stop text[i]) do
            i <- i + 1

        i

    let skipBlanks (text: Unescape.Seen[]) (at: int) =
        until (fun c -> not (isBlank c.Char)) text at

    let skipQuotes (text: Unescape.Seen[]) (at: int) =
        until (fun c -> not (isBlank c.Char || c.Char = '"' || c.Char = '\'')) text at
