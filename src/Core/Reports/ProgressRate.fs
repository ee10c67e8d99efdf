namespace CellOS.Export.S3.Core

/// How often the progress of an attempt is reported: often enough for a bar, and not so often that it fills a log.
///
/// Rules that this module keeps:
/// - an attempt has at most 101 reports: that of its beginning, and 100 of its body;
/// - the last byte of a body is always reported.
[<RequireQualifiedAccess>]
module ProgressRate =

    /// The fewest bytes between two reports of one attempt: 256 KiB.
    [<Literal>]
    let MinStep = 262_144L

    /// The bytes between two reports of a body of `length` bytes: a hundredth of it, rounded up, and `MinStep` at least.
    [<CompiledName("Step")>]
    let step (length: int64) : int64 =
        max MinStep (length / 100L + (if length % 100L = 0L then 0L else 1L))

    /// True if a report is due: the last one gave `reported` bytes, and `sent` bytes of `length` are out now.
    [<CompiledName("IsDue")>]
    let isDue (length: int64) (reported: int64) (sent: int64) : bool =
        sent > reported && (sent >= length || sent - reported >= step length)
