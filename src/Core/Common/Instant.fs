namespace CellOS.Export.S3.Core

open System

/// Moments and spans, compared by their ticks: F# compares values of foreign types by way of an interface, and puts
/// both on the heap for that.
[<RequireQualifiedAccess>]
module internal Instant =

    let isBefore (other: DateTimeOffset) (at: DateTimeOffset) = at.UtcTicks < other.UtcTicks

    let later (a: DateTimeOffset) (b: DateTimeOffset) = if isBefore a b then a else b

    let shorter (a: TimeSpan) (b: TimeSpan) = if a.Ticks < b.Ticks then a else b

    let longer (a: TimeSpan) (b: TimeSpan) = if a.Ticks < b.Ticks then b else a

    /// The moment after a span, which counts as nothing if it is negative; the last one that there is, where time ends.
    let plus (span: TimeSpan) (at: DateTimeOffset) =
        if span.Ticks <= 0L then
            at
        elif at.UtcTicks > DateTimeOffset.MaxValue.UtcTicks - span.Ticks then
            DateTimeOffset.MaxValue
        else
            at + span
