namespace CellOS.Export.S3.Core

open System

/// Tells how far two texts are from each other.
[<RequireQualifiedAccess>]
module EditDistance =

    /// The fewest insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal
    /// string alignment), or `most` if there are no fewer.
    let internal between (most: int) (a: string) (b: string) =
        let mutable before: int[] = [||]
        let mutable previous = Array.init (b.Length + 1) id
        let mutable least = abs (a.Length - b.Length)
        let mutable i = 1

        while least < most && i <= a.Length do
            let current = Array.zeroCreate (b.Length + 1)
            current[0] <- i
            let mutable smallest = i

            for j in 1 .. b.Length do
                let replaced = previous[j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
                let edits = min replaced (1 + min previous[j] current[j - 1])

                current[j] <-
                    if i > 1 && j > 1 && a[i - 1] = b[j - 2] && a[i - 2] = b[j - 1] then
                        min edits (before[j - 2] + 1)
                    else
                        edits

                smallest <- min smallest current[j]

            // A swap leads past one row.
            least <- min smallest (if i > 1 then Array.min previous else smallest)
            before <- previous
            previous <- current
            i <- i + 1

        if least < most then min most previous[b.Length] else most

    /// The name that a word in lower case was perhaps meant to be: the first of those that the fewest edits lead to, of at most
    /// two, and of fewer than the word has letters.
    [<CompiledName("Nearest")>]
    let nearest (names: string seq) (word: string) : string option =
        let letters = word |> Seq.filter Char.IsLetterOrDigit |> Seq.length

        ((None, min 3 letters), names)
        ||> Seq.fold (fun (found, least) name ->
            match between least word name with
            | edits when edits < least -> Some name, edits
            | _ -> found, least)
        |> fst
