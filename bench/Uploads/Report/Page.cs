namespace CellOS.Export.S3.Bench.Report;

/// <summary>A report for people.</summary>
internal static class Page
{
    private const double MiB = 1 << 20;
    private const double KiB = 1 << 10;

    internal static IEnumerable<string> Render(BenchReport report) =>
        [
            .. Head(report),
            .. report.Contests.SelectMany(Contest),
            .. report.Sizes.Count > 0 ? Sizes(report.Sizes) : [],
            .. report.Count is { } count ? Count(count) : [],
            .. report.Goals.Count > 0 ? GoalsOf(report.Goals) : [],
        ];

    private static IEnumerable<string> Head(BenchReport report)
    {
        var machine = report.Machine;
        yield return $"{machine.Processors} × {machine.Processor ?? "processor"}, {Table.Bytes(machine.Memory)}, {machine.Runtime}, {machine.System}";
        yield return $"{machine.At:yyyy-MM-dd HH:mm} UTC, load before: {machine.LoadBefore?.ToString("0.0", null) ?? "unknown"}; medians, with the least and the most of the rounds";
        foreach (var note in report.Notes)
            yield return note;
    }

    private static IEnumerable<string> Contest(ContestResult contest)
    {
        var isOfBroker = contest.Contestants.Contains(Contestants.SinkManifest);
        var isLarge = contest.Name is Goals.Large or Goals.LargeMd5 or Goals.LargeKestrel;
        List<string[]> rows =
        [
            [
                "",
                isLarge ? "MiB/s" : "pushes/s",
                isOfBroker ? "× manifest" : "× digests",
                isLarge ? "CPU s/GiB" : "CPU µs/push",
                "KiB allocated/push",
                "peak RSS MiB",
                .. isOfBroker ? ["broker CPU µs/URL"] : Array.Empty<string>(),
            ],
        ];
        foreach (var summary in contest.Summaries)
        {
            var speed = summary.Speed(isLarge ? contest.Size / MiB : 1);
            rows.Add([
                summary.Contestant,
                Table.Of(speed),
                Table.Of(isOfBroker ? summary.SpeedAgainstManifest : summary.SpeedAgainstDigests),
                Table.Of(summary.CpuSecondsPerPush, isLarge ? MiB * KiB / contest.Size : 1e6),
                Table.Of(summary.AllocatedPerPush, 1 / KiB),
                Table.Of(summary.PeakRss, 1 / MiB),
                .. isOfBroker ? [Table.Of(summary.BrokerCpuSecondsPerUrl, 1e6)] : Array.Empty<string>(),
            ]);
        }

        return
        [
            "",
            $"{contest.Name}: files of {Table.Bytes(contest.Size)}, {contest.Concurrency} at a time, {Table.Count(contest.Rounds.Count)} round{(contest.Rounds.Count == 1 ? "" : "s")}",
            .. Table.Render(rows),
            .. contest.Skipped.Select(pair => $"{pair.Key} was skipped: {pair.Value}"),
        ];
    }

    private static IEnumerable<string> Sizes(IReadOnlyList<SizePoint> sizes)
    {
        List<string[]> rows =
        [
            ["", "ms/push: digests", "sink", "peak RSS MiB: digests", "sink"],
        ];
        foreach (var point in sizes)
            rows.Add([
                Table.Bytes(point.Size),
                Table.Of(point.SecondsPerPush(Contestants.Digests), 1000),
                Table.Of(point.SecondsPerPush(Contestants.Sink), 1000),
                Table.Of(point.PeakRss(Contestants.Digests), 1 / MiB),
                Table.Of(point.PeakRss(Contestants.Sink), 1 / MiB),
            ]);
        return ["", "size: one at a time", .. Table.Render(rows)];
    }

    private static IEnumerable<string> Count(CountResult count)
    {
        List<string[]> rows =
        [
            ["tenth", "pushes/s", "RSS MiB"],
        ];
        rows.AddRange(
            count.Tenths.Select(
                (tenth, i) =>
                    new[] { $"{i + 1}", Table.Number(tenth.PushesPerSecond), Table.Number(tenth.Rss / MiB) }
            )
        );
        return
        [
            "",
            $"count: {Table.Count(count.Files)} files of {Table.Bytes(count.Size)} through the command line tool, {count.Concurrency} at a time: "
                + $"{Table.Number(count.Seconds)} s, the first receipt after {Table.Number(count.SecondsToFirst)} s, peak RSS {Table.Bytes(count.PeakRss)}",
            .. Table.Render(rows),
        ];
    }

    private static IEnumerable<string> GoalsOf(IReadOnlyList<Goal> goals)
    {
        List<string[]> rows =
        [
            ["goals", "", "measured", ""],
        ];
        rows.AddRange(
            goals.Select(goal =>
                new[]
                {
                    goal.Name,
                    $"{(goal.Bound == Bound.AtLeast ? "≥" : "≤")} {Table.Number(goal.Target)} {goal.Unit}",
                    Table.Of(goal.Measured),
                    goal.Verdict,
                }
            )
        );
        return ["", .. Table.Render(rows)];
    }
}
