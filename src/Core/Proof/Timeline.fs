namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// A run, as its seal states it.
type TimelineRun = {
    /// What it exported, for display.
    Name: string
    /// When it began.
    StartedAt: DateTimeOffset
    /// When its last result was known.
    FinishedAt: DateTimeOffset
    /// The number of artifacts that it stored.
    Stored: int64
    /// The number of artifacts that it did not store.
    Failed: int64
    /// True if it was interrupted.
    IsInterrupted: bool
    /// True if its seal is valid.
    IsValid: bool
}

/// A row of a time line: a run, or all runs that began in a period.
type TimelineRow = {
    /// When: a moment or a period, in UTC.
    When: string
    /// What: the run, or the number of runs. For display.
    What: string
    /// The counts, for display.
    Counts: string
    /// Where its bar begins: 0 is the begin of the time line, 1 its end.
    From: float
    /// Where its bar ends.
    Until: float
    /// True if all its seals are valid.
    IsValid: bool
    /// True if a run was interrupted.
    IsInterrupted: bool
}

/// The length of the periods of a time line, whose runs are shown as one.
[<RequireQualifiedAccess>]
type internal TimelineUnit =
    | Hour
    | Day
    | Month
    | Year
    | Century
    | Millennium

/// The runs that began in a period.
type internal TimelinePeriod = {
    First: DateTimeOffset
    Last: DateTimeOffset
    Runs: int64
    StoredInAll: int64
    FailedInAll: int64
    Interrupted: int64
    NotValid: int64
}

/// The runs of any number of seals, in little memory.
type Timeline = private {
    /// The first ones; the last one comes first.
    First: TimelineRun list
    Count: int64
    Unit: TimelineUnit
    Periods: Map<int64, TimelinePeriod>
}

/// Makes a time line of runs.
///
/// Rules that this module keeps:
/// - a few runs have a row each; many runs have a row for each hour, day, month, year, century or millennium in which runs began:
///   the shortest of these that needs no more rows than the limit;
/// - the rows are in the order of time, whatever the order of runs;
/// - each bar lies within the time line, and the first one begins where that does;
/// - a run that ends before it begins, by its own statement, is a moment.
[<RequireQualifiedAccess>]
module Timeline =

    /// The most rows.
    [<Literal>]
    let MostRows = 40

    /// Before the first run.
    [<CompiledName("Start")>]
    let start: Timeline = {
        First = []
        Count = 0L
        Unit = TimelineUnit.Hour
        Periods = Map.empty
    }

    /// The ticks at which a period begins.
    let private beginOf (unit': TimelineUnit) (ticks: int64) =
        let at = DateTime(ticks, DateTimeKind.Utc)

        let start =
            match unit' with
            | TimelineUnit.Hour -> at.Date.AddHours(float at.Hour)
            | TimelineUnit.Day -> at.Date
            | TimelineUnit.Month -> DateTime(at.Year, at.Month, 1)
            | TimelineUnit.Year -> DateTime(at.Year, 1, 1)
            | TimelineUnit.Century -> DateTime(max 1 (at.Year / 100 * 100), 1, 1)
            | TimelineUnit.Millennium -> DateTime(max 1 (at.Year / 1000 * 1000), 1, 1)

        start.Ticks

    let private longer (unit': TimelineUnit) =
        match unit' with
        | TimelineUnit.Hour -> Some TimelineUnit.Day
        | TimelineUnit.Day -> Some TimelineUnit.Month
        | TimelineUnit.Month -> Some TimelineUnit.Year
        | TimelineUnit.Year -> Some TimelineUnit.Century
        | TimelineUnit.Century -> Some TimelineUnit.Millennium
        | TimelineUnit.Millennium -> None

    let private nameOf (unit': TimelineUnit) (ticks: int64) =
        let at = DateTime(ticks, DateTimeKind.Utc)

        let format =
            match unit' with
            | TimelineUnit.Hour -> "yyyy-MM-dd HH':00Z'"
            | TimelineUnit.Day -> "yyyy-MM-dd"
            | TimelineUnit.Month -> "yyyy-MM"
            | TimelineUnit.Year
            | TimelineUnit.Century
            | TimelineUnit.Millennium -> "yyyy"

        let name = at.ToString(format, CultureInfo.InvariantCulture)

        if unit' = TimelineUnit.Century || unit' = TimelineUnit.Millennium then
            $"{name} and later"
        else
            name

    let private join (a: TimelinePeriod) (b: TimelinePeriod) : TimelinePeriod = {
        First = if Instant.isBefore a.First b.First then b.First else a.First
        Last = Instant.later a.Last b.Last
        Runs = a.Runs + b.Runs
        StoredInAll = a.StoredInAll + b.StoredInAll
        FailedInAll = a.FailedInAll + b.FailedInAll
        Interrupted = a.Interrupted + b.Interrupted
        NotValid = a.NotValid + b.NotValid
    }

    let private put (periods: Map<int64, TimelinePeriod>) (at: int64, period: TimelinePeriod) =
        periods
        |> Map.change at (function
            | Some other -> Some(join other period)
            | None -> Some period)

    /// Longer periods, until they are few enough.
    let rec private coarsen (timeline: Timeline) =
        match longer timeline.Unit with
        | Some unit' when timeline.Periods.Count > MostRows ->
            coarsen {
                timeline with
                    Unit = unit'
                    Periods =
                        timeline.Periods
                        |> Map.toSeq
                        |> Seq.map (fun (at, period) -> beginOf unit' at, period)
                        |> Seq.fold put Map.empty
            }
        | _ -> timeline

    /// Takes a run.
    [<CompiledName("Add")>]
    let add (run: TimelineRun) (timeline: Timeline) : Timeline =
        let finished = Instant.later run.StartedAt run.FinishedAt
        let one isIt = if isIt then 1L else 0L

        let period = {
            First = run.StartedAt
            Last = finished
            Runs = 1L
            StoredInAll = run.Stored
            FailedInAll = run.Failed
            Interrupted = one run.IsInterrupted
            NotValid = one (not run.IsValid)
        }

        coarsen {
            timeline with
                First =
                    if timeline.Count < int64 MostRows then
                        { run with FinishedAt = finished } :: timeline.First
                    else
                        timeline.First
                Count = timeline.Count + 1L
                Periods = put timeline.Periods (beginOf timeline.Unit run.StartedAt.UtcTicks, period)
        }

    let private counts (period: TimelinePeriod) =
        [
            period.StoredInAll, "stored"
            period.FailedInAll, "failed"
            period.Interrupted, "interrupted"
            period.NotValid, "not valid"
        ]
        |> List.filter (fun (count, what) -> count > 0L || what = "stored")
        |> List.map (fun (count, what) -> $"{Amount.number count} {what}")
        |> String.concat ", "

    let internal countsOf (run: TimelineRun) =
        [
            $"{Amount.number run.Stored} stored"
            if run.Failed > 0L then
                $"{Amount.number run.Failed} failed"
            if run.IsInterrupted then
                "interrupted"
            if not run.IsValid then
                "not valid"
        ]
        |> String.concat ", "

    /// The first moment and the last one; `None` without runs.
    let internal range (timeline: Timeline) : (DateTimeOffset * DateTimeOffset) option =
        if timeline.Periods.IsEmpty then
            None
        else
            let all = timeline.Periods.Values |> Seq.reduce join
            Some(all.First, all.Last)

    /// The rows, in the order of time.
    [<CompiledName("Rows")>]
    let rows (timeline: Timeline) : TimelineRow list =
        match range timeline with
        | None -> []
        | Some(first, last) ->
            let length = float (max 1L (last.UtcTicks - first.UtcTicks))

            let place (at: DateTimeOffset) =
                float (at.UtcTicks - first.UtcTicks) / length

            if timeline.Count <= int64 MostRows then
                [
                    for run in List.rev timeline.First |> List.sortBy _.StartedAt.UtcTicks do
                        {
                            When = TimeWords.moment run.StartedAt
                            What = run.Name
                            Counts = countsOf run
                            From = place run.StartedAt
                            Until = place run.FinishedAt
                            IsValid = run.IsValid
                            IsInterrupted = run.IsInterrupted
                        }
                ]
            else
                [
                    for KeyValue(at, period) in timeline.Periods do
                        {
                            When = nameOf timeline.Unit at
                            What = Amount.counted "run" period.Runs
                            Counts = counts period
                            From = place period.First
                            Until = place period.Last
                            IsValid = period.NotValid = 0L
                            IsInterrupted = period.Interrupted > 0L
                        }
                ]
