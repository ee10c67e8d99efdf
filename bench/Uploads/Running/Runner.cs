using System.Globalization;
using System.Text.Json;
using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Peers;
using CellOS.Export.S3.Bench.Report;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>Measures one contestant in a process of its own.</summary>
/// <param name="server">The server that takes the uploads.</param>
/// <param name="broker">The broker of those that ask one; null if there is none.</param>
/// <param name="stopping">Ends the wait.</param>
internal sealed class Runner(ServerProcess server, BrokerAddress? broker, CancellationToken stopping)
{
    /// <param name="contestant">Who.</param>
    /// <param name="source">A file, or a folder of files.</param>
    /// <param name="size">Of each, in bytes.</param>
    /// <param name="warmUp">The file of a warm-up; null for the source itself.</param>
    /// <param name="concurrency">How many at once.</param>
    /// <param name="seconds">For how long, about; at least one push is made.</param>
    /// <exception cref="FailedException">It failed, or the server did not get what it claims to have sent.</exception>
    internal Task<Measurement> MeasureAsync(
        string contestant,
        string source,
        long size,
        string? warmUp,
        int concurrency,
        double seconds
    )
    {
        var (peer, digests) = Contestants.Parse(contestant);
        string[] arguments =
        [
            "run",
            peer,
            "--digests",
            digests,
            "--source",
            source,
            "--size",
            $"{size}",
            "--concurrency",
            $"{concurrency}",
            "--milliseconds",
            (seconds * 1000).ToString("F0", CultureInfo.InvariantCulture),
            "--url",
            server.Url,
            .. broker is null
                ? Array.Empty<string>()
                :
                [
                    "--broker",
                    broker.Url,
                    "--broker-token",
                    broker.TokenFile,
                    "--broker-process",
                    $"{broker.Process}",
                ],
            .. warmUp is null ? Array.Empty<string>() : ["--warm-up", warmUp],
        ];
        return server.ExpectAsync(
            $"'{contestant}'",
            measurement => (measurement.Count, measurement.Count * measurement.Size),
            () => RunAsync(contestant, arguments),
            stopping
        );
    }

    private async Task<Measurement> RunAsync(string contestant, string[] arguments)
    {
        await using var child = Child.StartSelf(arguments);
        var line = await child.Output.ReadLineAsync(stopping);
        await child.EndAsync($"'{contestant}'", stopping);
        return line is null
            ? throw new FailedException($"'{contestant}' told nothing.")
            : JsonSerializer.Deserialize<Measurement>(line, BenchJson.Line)!;
    }
}
