namespace CellOS.Export.S3.Core

/// Tells how far two texts are from each other.
[<RequireQualifiedAccess>]
module internal EditDistance =

    /// The fewest insertions, deletions and replacements that turn one text into the other (Levenshtein), or
    /// `most` if there are no fewer.
    let between (most: int) (a: string) (b: string) =
        let mutable previous = Array.init (b.Length + 1) id
        let mutable least = abs (a.Length - b.Length)
        let mutable i = 1

        while least < most && i <= a.Length do
            let current = Array.zeroCreate (b.Length + 1)
            current[0] <- i
            least <- i

            for j in 1 .. b.Length do
                let replaced = previous[j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
                current[j] <- min replaced (1 + min previous[j] current[j - 1])
                least <- min least current[j]

            previous <- current
            i <- i + 1

        if least < most then min most previous[b.Length] else most
