using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Peers;
using CellOS.Export.S3.Bench.Report;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>The same work for each, one after another, in another order each round.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Size">Of each file, in bytes.</param>
/// <param name="Concurrency">How many pushes at once.</param>
/// <param name="Contestants">Who takes part.</param>
/// <param name="Server">What drains it; one of <see cref="ServerName"/>.</param>
internal sealed record Contest(
    string Name,
    long Size,
    int Concurrency,
    IReadOnlyList<string> Contestants,
    string Server = ServerName.Bare
)
{
    private const int SmallSize = 4 << 10;

    /// <summary>Enough that one file is not always the same, and few enough to make at once.</summary>
    private const int SmallFiles = 256;

    internal static IReadOnlyList<Contest> All(Scale scale) =>
        [
            new(Goals.Large, scale.LargeSize, 1, Report.Contestants.OfLargeFile),
            new(Goals.LargeMd5, scale.LargeSize, 1, Report.Contestants.OfMd5, ServerName.WithoutChecksum),
            // For which the short run has no time.
            .. scale.Quick
                ? Array.Empty<Contest>()
                :
                [
                    new Contest(
                        Goals.LargeKestrel,
                        scale.LargeSize,
                        1,
                        Report.Contestants.OfDigests,
                        ServerName.Kestrel
                    ),
                ],
            new(Goals.SmallOne, SmallSize, 1, Report.Contestants.OfSmallFiles),
            new(Goals.SmallMany, SmallSize, 16, Report.Contestants.OfSmallFiles),
            new(Goals.BrokerOne, SmallSize, 1, Report.Contestants.OfBroker),
            new(Goals.BrokerMany, SmallSize, 16, Report.Contestants.OfBroker),
        ];

    private bool IsOfSmall => Size == SmallSize;

    internal async Task<ContestResult> RunAsync(
        Scale scale,
        Workspace workspace,
        Runner runner,
        Action<string> say,
        CancellationToken stopping
    )
    {
        var source = IsOfSmall
            ? workspace.AddFolder(Name, SmallFiles, SmallSize, stopping)
            : workspace.AddFile(Size, stopping);
        var warmUp = Size > WarmUp.Most ? workspace.AddFile(WarmUp.Most, stopping) : null;
        var skipped = Contestants
            .Where(name => ReasonToSkip(name) is not null)
            .ToDictionary(name => name, name => ReasonToSkip(name)!);
        string[] present = [.. Contestants.Except(skipped.Keys)];
        var rounds = new List<IReadOnlyDictionary<string, Measurement>>();
        for (var round = 0; round < scale.Rounds; round++)
        {
            say($"{Name}, round {round + 1} of {scale.Rounds}");
            var measured = new Dictionary<string, Measurement>();
            foreach (var contestant in Order(present, round))
                measured[contestant] = await runner.MeasureAsync(
                    contestant,
                    source,
                    Size,
                    warmUp,
                    Concurrency,
                    IsOfSmall ? scale.Seconds : 0.001
                );
            rounds.Add(measured);
        }

        Workspace.Remove(source);
        return new ContestResult
        {
            Name = Name,
            Size = Size,
            Concurrency = Concurrency,
            Contestants = Contestants,
            Skipped = skipped,
            Rounds = rounds,
        };
    }

    /// <summary>Nobody is always the first, and nobody comes always after the same one.</summary>
    internal static IEnumerable<string> Order(IReadOnlyList<string> names, int round)
    {
        var turned = Enumerable.Range(0, names.Count).Select(i => names[(i + round) % names.Count]);
        return round % 2 == 0 ? turned : turned.Reverse();
    }

    private static string? ReasonToSkip(string contestant) =>
        Report.Contestants.Parse(contestant).Peer != PeerName.Curl ? null
        : CurlPeer.Find() is null ? "curl is not installed"
        : !OperatingSystem.IsLinux() ? "what curl uses is known on Linux alone"
        : null;
}
