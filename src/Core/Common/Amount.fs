namespace CellOS.Export.S3.Core

open System.Globalization

/// Numbers for people, the same in every culture.
[<RequireQualifiedAccess>]
module internal Amount =

    /// Such as `1,204`.
    let number (count: int64) : string =
        count.ToString("N0", CultureInfo.InvariantCulture)

    /// Such as `1 seal`, `1,204 seals`.
    let counted (noun: string) (count: int64) : string =
        let plural = if count = 1L then "" else "s"
        $"{number count} {noun}{plural}"
