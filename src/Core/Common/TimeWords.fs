namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// Moments and spans of time in words.
[<RequireQualifiedAccess>]
module internal TimeWords =

    let moment (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)

    /// A span of time in words, to its two largest units: `2 d 3 h`, `4 min 5 s`; in milliseconds below a second.
    let span (span: TimeSpan) =
        let span = span.Duration()

        let number (count: int) (unit: string) =
            count.ToString CultureInfo.InvariantCulture + " " + unit

        let two large unit small smallUnit =
            if small = 0 then
                number large unit
            else
                number large unit + " " + number small smallUnit

        if span.Days > 0 then
            two span.Days "d" span.Hours "h"
        elif span.Hours > 0 then
            two span.Hours "h" span.Minutes "min"
        elif span.Minutes > 0 then
            two span.Minutes "min" span.Seconds "s"
        elif span.Seconds = 0 && span.Milliseconds > 0 then
            number span.Milliseconds "ms"
        else
            number span.Seconds "s"
