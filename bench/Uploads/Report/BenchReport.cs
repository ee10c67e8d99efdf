using CellOS.Export.S3.Bench.Measuring;

namespace CellOS.Export.S3.Bench.Report;

/// <summary>All that a run of the benchmark found; what the JSON file holds.</summary>
internal sealed record BenchReport
{
    public required Machine Machine { get; init; }

    /// <summary>Whether it was the short one.</summary>
    public required bool Quick { get; init; }

    /// <summary>What limits the figures, a sentence each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public required IReadOnlyList<ContestResult> Contests { get; init; }

    /// <summary>How cost grows with the size of a file, in the order of the sizes; empty if it was left out.</summary>
    public required IReadOnlyList<SizePoint> Sizes { get; init; }

    /// <summary>How it grows with the number of files; null if it was left out.</summary>
    public required CountResult? Count { get; init; }

    public required IReadOnlyList<Goal> Goals { get; init; }
}

/// <summary>The same work done by several, in turn.</summary>
internal sealed record ContestResult
{
    /// <summary>Such as <c>large</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Of each file, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>How many pushes at once.</summary>
    public required int Concurrency { get; init; }

    /// <summary>In the order in which they are shown; those that were skipped as well.</summary>
    public required IReadOnlyList<string> Contestants { get; init; }

    /// <summary>Who could not take part, and why.</summary>
    public required IReadOnlyDictionary<string, string> Skipped { get; init; }

    /// <summary>For each round what each measured, by the contestant's name.</summary>
    public required IReadOnlyList<IReadOnlyDictionary<string, Measurement>> Rounds { get; init; }

    /// <summary>What came of the rounds, for each that took part.</summary>
    public IReadOnlyList<Summary> Summaries =>
        [.. Contestants.Where(name => Measurements(name).Any()).Select(name => Summary.Of(name, this))];

    internal IEnumerable<Measurement> Measurements(string contestant) =>
        Rounds.Where(round => round.ContainsKey(contestant)).Select(round => round[contestant]);

    /// <summary>One figure of two contestants, held against each other round by round; null if one did not take part.</summary>
    internal Spread? Compare(
        string ours,
        string theirs,
        Func<Measurement, double?> figure,
        Func<double, double, double> compare
    ) =>
        Spread.OfPairs(
            Rounds.Select(round =>
                (
                    round.TryGetValue(ours, out var our) ? figure(our) : null,
                    round.TryGetValue(theirs, out var their) ? figure(their) : null
                )
            ),
            compare
        );
}

/// <summary>What one contestant came to.</summary>
internal sealed record Summary(
    string Contestant,
    Spread SecondsPerPush,
    Spread CpuSecondsPerPush,
    Spread? AllocatedPerPush,
    Spread? PeakRss,
    Spread? SpeedAgainstDigests,
    Spread? SpeedAgainstManifest,
    Spread? BrokerCpuSecondsPerUrl
)
{
    /// <summary>Work in a second, where a push is so much of it.</summary>
    internal Spread Speed(double workPerPush) =>
        new(
            workPerPush / SecondsPerPush.Median,
            workPerPush / SecondsPerPush.Max,
            workPerPush / SecondsPerPush.Min
        );

    internal static Summary Of(string contestant, ContestResult contest)
    {
        var runs = contest.Measurements(contestant).ToList();
        return new Summary(
            contestant,
            Spread.Of(runs.Select(run => run.SecondsPerPush)),
            Spread.Of(runs.Select(run => run.CpuSecondsPerPush)),
            OfKnown(runs.Select(run => run.AllocatedPerPush)),
            OfKnown(runs.Select(run => (double?)run.PeakRss)),
            SpeedAgainst(Contestants.Digests),
            SpeedAgainst(Contestants.SinkManifest),
            OfKnown(runs.Select(run => run.BrokerCpuSecondsPerUrl))
        );

        Spread? SpeedAgainst(string other) =>
            contest.Compare(contestant, other, run => run.SecondsPerPush, (our, their) => their / our);
    }

    private static Spread? OfKnown(IEnumerable<double?> values) =>
        values.OfType<double>().ToList() is { Count: > 0 } known ? Spread.Of(known) : null;
}

/// <summary>What files of one size cost, by contestant.</summary>
internal sealed record SizePoint(long Size, IReadOnlyDictionary<string, IReadOnlyList<Measurement>> Runs)
{
    internal Spread? SecondsPerPush(string contestant) => Of(contestant, run => run.SecondsPerPush);

    internal Spread? PeakRss(string contestant) => Of(contestant, run => run.PeakRss);

    private Spread? Of(string contestant, Func<Measurement, double?> figure) =>
        Runs.GetValueOrDefault(contestant)?.Select(figure).OfType<double>().ToList() is { Count: > 0 } figures
            ? Spread.Of(figures)
            : null;
}

/// <summary>Many files through the command line tool in one run.</summary>
/// <param name="Files">How many.</param>
/// <param name="Size">Of each, in bytes.</param>
/// <param name="Concurrency">How many at once.</param>
/// <param name="SecondsToFirst">From the start of the process to the first receipt: the files are looked through.</param>
/// <param name="Seconds">From the start of the process to its end.</param>
/// <param name="PeakRss">The most memory that it ever had, in bytes.</param>
/// <param name="Tenths">In their order.</param>
internal sealed record CountResult(
    int Files,
    long Size,
    int Concurrency,
    double SecondsToFirst,
    double Seconds,
    long PeakRss,
    IReadOnlyList<Tenth> Tenths
);

/// <summary>A tenth of the files.</summary>
/// <param name="PushesPerSecond">By the arrival of the receipts.</param>
/// <param name="Rss">What the process had resident at its end, in bytes.</param>
internal sealed record Tenth(double PushesPerSecond, long Rss);
