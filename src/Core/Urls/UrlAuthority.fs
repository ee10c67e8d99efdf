namespace CellOS.Export.S3.Core

open System

/// Where a part of a text begins, and where it has ended.
[<Struct>]
type internal Extent = { First: int; Stop: int }

/// The authority of a URL: its host, and a port if it has one.
[<RequireQualifiedAccess>]
module internal UrlAuthority =

    /// Where the authority of an absolute URL begins and ends.
    let find (value: string) : Extent voption =
        match value.IndexOf("://", StringComparison.Ordinal) with
        | -1 -> ValueNone
        | i ->
            let first = i + 3

            match value.AsSpan(first).IndexOfAny('/', '?', '#') with
            | -1 -> ValueSome { First = first; Stop = value.Length }
            | length -> ValueSome { First = first; Stop = first + length }

    let private isLabel (label: ReadOnlySpan<char>) =
        let mutable isPlain = label.Length >= 1 && label.Length <= 63
        let mutable i = 0

        while isPlain && i < label.Length do
            isPlain <- Char.IsAsciiLetterOrDigit label[i] || label[i] = '-'
            i <- i + 1

        isPlain
        && label[0] <> '-'
        && label[label.Length - 1] <> '-'
        && not (label.StartsWith("xn--", StringComparison.OrdinalIgnoreCase))

    /// Whether an authority is nothing but a name in dots, of letters, digits and inner hyphens, which `System.Uri`
    /// takes as it is, in lower case. If not: ask `System.Uri`, whose first answer of a process takes longer than all
    /// the rest of a configuration.
    let isPlain (value: string) (authority: Extent) : bool =
        let rec areLabels first count =
            let rest = value.AsSpan(first, authority.Stop - first)

            match rest.IndexOf '.' with
            // One name alone may have a meaning of its own, and a number at the end makes it an address.
            | -1 -> count > 0 && isLabel rest && Char.IsAsciiLetter rest[0]
            | dot -> isLabel (rest.Slice(0, dot)) && areLabels (first + dot + 1) (count + 1)

        authority.Stop - authority.First <= 253 && areLabels authority.First 0
