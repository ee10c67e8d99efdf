namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Finds parts from the middle of secrets: 12 characters in a row or more of one that looks random, other than words, numbers
/// and times. `ToString` shows none of them.
[<Sealed>]
type internal SecretMiddles(needles: string[]) =

    /// The fewest characters of a part that identifies a secret.
    static let length = 12

    let random =
        needles
        |> Array.filter (fun needle -> needle.Length > length && PathTokens.looksRandom needle)

    /// The hashes of all parts of this length.
    let hashes =
        let hashes = HashSet<int>()

        for needle in random do
            for first in 0 .. needle.Length - length do
                let part = needle.AsSpan(first, length)

                if not (SecretCuts.isOrdinary part) then
                    hashes.Add(String.GetHashCode part) |> ignore

        hashes

    /// Adds the ranges of such parts in a view of a text.
    member _.AddRanges(ranges: ResizeArray<struct (int * int)>, view: SecretView.View) : unit =
        let isPart (part: string) =
            random |> Array.exists _.Contains(part, StringComparison.Ordinal)

        if hashes.Count > 0 then
            for first in 0 .. view.Text.Length - length do
                if
                    hashes.Contains(String.GetHashCode(view.Text.AsSpan(first, length)))
                    && isPart (view.Text.Substring(first, length))
                then
                    let struct (from, _) = SecretView.placeAt view first
                    let struct (_, next) = SecretView.placeAt view (first + length - 1)
                    ranges.Add struct (from, next)

    override _.ToString() = "REDACTED"
