using System.Text.Json;
using CellOS.Export.S3.Bench.Report;

namespace CellOS.Export.S3.Bench.Plot;

/// <summary><c>plot</c>: how cost grows, as a picture of a run's own JSON.</summary>
internal static class PlotCommand
{
    private const double MiB = 1 << 20;

    internal static int Run(string json, string svg)
    {
        var report = Read(json);
        List<Panel> panels = [.. OfSizes(report.Sizes), .. report.Count is { } count ? OfCount(count) : []];
        if (panels.Count == 0)
            throw new UsageException(
                $"'{json}' has neither sizes nor counts: run all of it, or --only size or count."
            );
        var picture = Picture.Draw(
            "How the cost of an upload grows with the size and the number of files",
            panels
        );
        // Not by Save, which puts a byte order mark before it.
        File.WriteAllText(svg, $"{picture}\n");
        return 0;
    }

    private static BenchReport Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<BenchReport>(File.ReadAllText(json), BenchJson.Page)!;
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new UsageException($"'{json}' cannot be read: {exception.Message}");
        }
    }

    private static IEnumerable<Panel> OfSizes(IReadOnlyList<SizePoint> sizes)
    {
        if (sizes.Count == 0)
            yield break;
        var x = Axis.Steps(
            "size of the file, bytes (K, M, G: powers of 1024)",
            [.. sizes.Select(point => (double)point.Size)],
            Short
        );
        var seconds = Lines(sizes, (point, name) => point.SecondsPerPush(name));
        yield return new Panel(
            "One file, both digests: time",
            x,
            Axis.Decades("time of a push", Values(seconds), Time),
            seconds
        );
        var memory = Lines(sizes, (point, name) => point.PeakRss(name), 1 / MiB);
        if (memory.Count > 0)
            yield return new Panel(
                "One file, both digests: memory",
                x,
                Axis.Linear("peak resident set, MiB", Values(memory)),
                memory
            );
    }

    private static IEnumerable<Panel> OfCount(CountResult count)
    {
        var x = Axis.Ordinals(
            $"tenth of {Table.Count(count.Files)} files of {Table.Bytes(count.Size)}",
            count.Tenths.Count
        );
        var speed = Line(count, tenth => tenth.PushesPerSecond);
        var memory = Line(count, tenth => tenth.Rss / MiB);
        yield return new Panel(
            "The tool, many files: speed",
            x,
            Axis.Linear("pushes a second", Values(speed)),
            speed
        );
        yield return new Panel(
            "The tool, many files: memory",
            x,
            Axis.Linear("resident set, MiB", Values(memory)),
            memory
        );
    }

    private static List<Series> Lines(
        IReadOnlyList<SizePoint> sizes,
        Func<SizePoint, string, Spread?> figure,
        double scale = 1
    ) =>
        [
            .. Contestants
                .OfSizes.Select(name => new Series(
                    name == Contestants.Sink ? "this library" : "HttpClient, digests on one thread",
                    name,
                    [
                        .. sizes
                            .Select(point => (point.Size, Spread: figure(point, name)))
                            .Where(at => at.Spread is not null)
                            .Select(at => ((double)at.Size, at.Spread!.Median * scale)),
                    ]
                ))
                .Where(line => line.Points.Count > 0),
        ];

    private static List<Series> Line(CountResult count, Func<Tenth, double> figure) =>
        [
            new Series(
                "the tool",
                Contestants.Sink,
                [.. count.Tenths.Select((tenth, i) => (i + 1.0, figure(tenth)))]
            ),
        ];

    private static IEnumerable<double> Values(IEnumerable<Series> lines) =>
        lines.SelectMany(line => line.Points).Select(point => point.Y);

    /// <summary><c>64M</c>: marks stand close together.</summary>
    private static string Short(double bytes) => Table.Bytes(bytes).Replace(" ", "").Replace("iB", "");

    private static string Time(double seconds) =>
        seconds switch
        {
            < 0.0009 => $"{Table.Number(seconds * 1e6)} µs",
            < 0.9 => $"{Table.Number(seconds * 1e3)} ms",
            _ => $"{Table.Number(seconds)} s",
        };
}
