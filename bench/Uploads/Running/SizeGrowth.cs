using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Report;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>How time and memory grow with the size of a file.</summary>
internal static class SizeGrowth
{
    internal const string Name = "size";

    internal static async Task<IReadOnlyList<SizePoint>> RunAsync(
        Scale scale,
        Workspace workspace,
        Runner runner,
        Action<string> say,
        List<string> notes,
        CancellationToken stopping
    )
    {
        var points = new List<SizePoint>();
        foreach (var size in scale.Sizes)
        {
            if (workspace.ProblemOf(size, out var fits) is { } problem)
                notes.Add(problem);
            if (!fits)
                continue;

            say($"{Name}, {Table.Bytes(size)}");
            var source = workspace.AddFile(size, stopping);
            var warmUp = size > WarmUp.Most ? workspace.AddFile(WarmUp.Most, stopping) : null;
            var runs = Contestants.OfSizes.ToDictionary(name => name, _ => new List<Measurement>());
            for (var round = 0; round < scale.SizeRounds; round++)
                foreach (var contestant in Contest.Order(Contestants.OfSizes, round))
                    runs[contestant]
                        .Add(await runner.MeasureAsync(contestant, source, size, warmUp, 1, scale.Seconds));
            points.Add(
                new SizePoint(
                    size,
                    runs.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Measurement>)pair.Value)
                )
            );
            Workspace.Remove(source);
        }

        return points;
    }
}
