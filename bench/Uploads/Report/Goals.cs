using CellOS.Export.S3.Bench.Measuring;

namespace CellOS.Export.S3.Bench.Report;

/// <summary>What the uploader is to reach, against its peers in the same round.</summary>
internal static class Goals
{
    internal const string Large = "large";
    internal const string LargeMd5 = "large-md5";
    internal const string LargeKestrel = "large-kestrel";
    internal const string SmallOne = "small-1";
    internal const string SmallMany = "small-16";
    internal const string BrokerOne = "broker-1";
    internal const string BrokerMany = "broker-16";
    private const double MiB = 1 << 20;
    private const double KiB = 1 << 10;

    /// <summary>Memory is held against that at this size.</summary>
    private const long Reference = 64 << 20;

    internal static IReadOnlyList<Goal> Judge(
        IReadOnlyList<ContestResult> contests,
        IReadOnlyList<SizePoint> sizes,
        CountResult? count
    ) => [.. OfContests(contests), .. OfSizes(sizes), .. OfCount(count)];

    private static IEnumerable<Goal> OfContests(IReadOnlyList<ContestResult> contests)
    {
        foreach (var large in new[] { Find(Large), Find(LargeKestrel) }.OfType<ContestResult>())
        {
            yield return AgainstTheSlower(large, (Contestants.Digests, 2.2), (Contestants.Plain, 0.95));
            yield return new Goal(
                $"{large.Name}: CPU of sink / digests",
                Bound.AtMost,
                0.6,
                "×",
                large.Compare(
                    Contestants.Sink,
                    Contestants.Digests,
                    run => run.CpuSecondsPerPush,
                    (our, their) => our / their
                )
            );
        }

        if (Find(LargeMd5) is { } md5)
            yield return AgainstTheSlower(md5, (Contestants.DigestsMd5, 0.95), (Contestants.Plain, 0.95));

        foreach (var small in new[] { Find(SmallOne), Find(SmallMany) }.OfType<ContestResult>())
        {
            foreach (var sink in new[] { Contestants.Sink, Contestants.SinkTemplate })
            {
                yield return Speed(small, sink, Contestants.Digests, 1);
                yield return Speed(small, sink, Contestants.AwsSdk, 4);
                yield return new Goal(
                    $"{small.Name}: allocated by {sink} − digests, a push",
                    Bound.AtMost,
                    2,
                    "KiB",
                    small.Compare(
                        sink,
                        Contestants.Digests,
                        run => run.AllocatedPerPush,
                        (our, their) => (our - their) / KiB
                    )
                );
            }
        }

        ContestResult? Find(string name) => contests.FirstOrDefault(contest => contest.Name == name);
    }

    /// <summary>The sink against so much of each of two others, whichever is less in the same round.</summary>
    private static Goal AgainstTheSlower(
        ContestResult contest,
        (string Name, double Factor) one,
        (string Name, double Factor) other
    ) =>
        new(
            $"{contest.Name}: speed of sink / the less of {one.Factor} {one.Name}, {other.Factor} {other.Name}",
            Bound.AtLeast,
            1,
            "×",
            Spread.OfPairs(
                contest.Rounds.Select(round =>
                    (
                        round.GetValueOrDefault(Contestants.Sink)?.SecondsPerPush,
                        Slower(round.GetValueOrDefault(one.Name), one.Factor) is { } first
                        && Slower(round.GetValueOrDefault(other.Name), other.Factor) is { } second
                            ? (double?)Math.Max(first, second)
                            : null
                    )
                ),
                (our, their) => their / our
            )
        );

    private static double? Slower(Measurement? run, double factor) => run?.SecondsPerPush / factor;

    private static Goal Speed(ContestResult contest, string ours, string theirs, double target) =>
        new(
            $"{contest.Name}: speed of {ours} / {theirs}",
            Bound.AtLeast,
            target,
            "×",
            contest.Compare(ours, theirs, run => run.SecondsPerPush, (our, their) => their / our)
        );

    private static IEnumerable<Goal> OfSizes(IReadOnlyList<SizePoint> sizes)
    {
        if (sizes is not [.., { Size: > Reference } largest])
            yield break;
        var (before, after) = (Peaks(sizes.FirstOrDefault(point => point.Size == Reference)), Peaks(largest));
        yield return new Goal(
            $"size: peak RSS of sink at {Table.Bytes(largest.Size)} / at {Table.Bytes(Reference)}",
            Bound.AtMost,
            1.1,
            "×",
            Spread.OfPairs(
                before.Zip(after, (at, above) => ((double?)above, (double?)at)),
                (above, at) => above / at
            )
        );
        yield return new Goal(
            $"size: peak RSS of sink at {Table.Bytes(largest.Size)}",
            Bound.AtMost,
            64,
            "MiB",
            after.Count == 0 ? null : Spread.Of(after.Select(bytes => bytes / MiB))
        );
    }

    /// <summary>Of the sink, round by round; none where the system does not tell.</summary>
    private static List<double> Peaks(SizePoint? point) =>
        [
            .. (point?.Runs.GetValueOrDefault(Contestants.Sink) ?? [])
                .Select((Measurement run) => (double?)run.PeakRss)
                .OfType<double>(),
        ];

    private static IEnumerable<Goal> OfCount(CountResult? count)
    {
        if (count is not { Tenths: [var first, .., var last] })
            yield break;
        // Not against the first one, in which the code is compiled: it would hide that the others get slower.
        var middle = Spread.Of(count.Tenths.Select(tenth => tenth.PushesPerSecond)).Median;
        yield return new Goal(
            $"count: speed in the last tenth of {Table.Count(count.Files)} / in the median tenth",
            Bound.AtLeast,
            0.9,
            "×",
            Spread.Of([last.PushesPerSecond / middle])
        );
        yield return new Goal(
            $"count: peak RSS of {Table.Count(count.Files)}",
            Bound.AtMost,
            150,
            "MiB",
            Spread.Of([count.PeakRss / MiB])
        );
        yield return new Goal(
            $"count: RSS after the last tenth of {Table.Count(count.Files)} / after the first",
            Bound.AtMost,
            1.1,
            "×",
            Spread.Of([(double)last.Rss / first.Rss])
        );
    }
}
