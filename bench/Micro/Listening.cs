using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace CellOS.Export.S3.Bench;

/// <summary>How one way of being listened to compares with a push that has no hooks: medians of all rounds.</summary>
internal sealed record Heard(
    string Name,
    double Nanoseconds,
    double TimeRatio,
    double LeastRatio,
    double MostRatio,
    double Bytes,
    double MoreBytes
);

/// <summary>
/// What it costs to be listened to, and what not to be: whole pushes of a file of 4 KiB, from its opening to the
/// receipt, to a server that answers at once and in this process. How often a push has to wait for another thread moves
/// its figures more than any hook does; so the ways take turns, and are compared within a round.
/// </summary>
internal sealed class Listening : IDisposable
{
    private const int Pushes = 400;

    /// <summary>Of a URL that does not expire while it runs.</summary>
    private readonly PushPlan _plan = Samples.Plan(
        Samples.Target(
            "https://evidence.example/audit/2026/{cell_id}/{artifact_name}?signature=aeeed9bbccd4d02e"
        )
    );
    private readonly HttpMessageInvoker _http = new(new Accepting());
    private readonly string _path = Path.GetTempFileName();
    private readonly PushDriver _driver;
    private readonly (string Name, Func<IDisposable?> Listen, Func<Task<ExportReceipt>> Push)[] _ways;

    private Listening()
    {
        File.WriteAllBytes(_path, new byte[4096]);
        _driver = new PushDriver(
            new PutTransport(_http, TimeProvider.System),
            urls: null,
            TimeProvider.System,
            static () => 0.5,
            NullLogger.Instance
        );
        _ways =
        [
            ("no hooks", static () => null, PushWithoutHooks),
            ("no hooks, again", static () => null, PushWithoutHooks),
            ("hooks, unheard", static () => null, Push),
            ("metrics", static () => ListenToMetrics(), Push),
            ("spans", static () => ListenToSpans(), Push),
        ];
    }

    /// <summary>Measures all ways; the first is what the others are compared with, the second shows the noise.</summary>
    internal static async Task<IReadOnlyList<Heard>> MeasureAsync(bool quick)
    {
        using var listening = new Listening();
        // So that the code is compiled the way it stays.
        for (var i = 0; i < 10; i++)
            await listening.RoundAsync(i);
        var rounds = new List<(double Time, double Bytes)[]>();
        for (var i = 0; i < (quick ? 10 : 150); i++)
            rounds.Add(await listening.RoundAsync(i));
        return [.. listening._ways.Select((way, at) => ToHeard(way.Name, at, rounds))];
    }

    internal static string Describe(Heard heard) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"  {heard.Name, -16} {heard.Nanoseconds / 1000, 6:0.0} µs {heard.TimeRatio, 6:0.000} x ({heard.LeastRatio:0.00}-{heard.MostRatio:0.00}) {heard.Bytes, 7:0} B {heard.MoreBytes, 6:+0;-0;0} B"
        );

    /// <summary>Nanoseconds that it takes to ask whether anybody listens: all that an unheard push does besides.</summary>
    internal static double MeasureQuestion()
    {
        const int Questions = 20_000_000;
        var heard = false;
        var best = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < Questions; i++)
                heard |= Instruments.Heard is not null;
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalNanoseconds / Questions);
        }

        return heard ? throw new InvalidOperationException("Somebody listens.") : best;
    }

    public void Dispose()
    {
        _http.Dispose();
        File.Delete(_path);
    }

    private Task<ExportReceipt> PushWithoutHooks() =>
        _driver.RunAsync(_plan, _path, Free, new PushClock(TimeProvider.System), null, null, default);

    private Task<ExportReceipt> Push() => _driver.PushAsync(_plan, _path, Free, null, default);

    private static Refusal? Free(ArtifactName artifact) => null;

    private async Task<(double, double)[]> RoundAsync(int number)
    {
        var results = new (double, double)[_ways.Length];
        for (var i = 0; i < _ways.Length; i++)
        {
            var at = (number + i) % _ways.Length;
            results[at] = await BatchAsync(_ways[at].Listen, _ways[at].Push);
        }

        return results;
    }

    private static async Task<(double, double)> BatchAsync(
        Func<IDisposable?> listen,
        Func<Task<ExportReceipt>> push
    )
    {
        using var listener = listen();
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Pushes; i++)
            await push();
        var time = Stopwatch.GetElapsedTime(began).TotalNanoseconds;
        return (time / Pushes, (double)(GC.GetTotalAllocatedBytes(precise: true) - bytes) / Pushes);
    }

    private static Heard ToHeard(string name, int at, List<(double Time, double Bytes)[]> rounds)
    {
        var ratios = rounds.Select(round => round[at].Time / round[0].Time).Order().ToList();
        return new(
            name,
            Median(rounds.Select(round => round[at].Time)),
            Median(ratios),
            // Between the quarters: a batch that was interrupted says nothing.
            ratios[ratios.Count / 4],
            ratios[ratios.Count * 3 / 4],
            Median(rounds.Select(round => round[at].Bytes)),
            Median(rounds.Select(round => round[at].Bytes - round[0].Bytes))
        );
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static MeterListener ListenToMetrics()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == S3ExportTelemetry.MeterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>(static (_, _, _, _) => { });
        listener.SetMeasurementEventCallback<double>(static (_, _, _, _) => { });
        listener.Start();
        return listener;
    }

    private static ActivityListener ListenToSpans()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == S3ExportTelemetry.ActivitySourceName,
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    /// <summary>Reads the body and takes it.</summary>
    private sealed class Accepting : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Headers = { ETag = new EntityTagHeaderValue("\"9b2cf535f27731c974343645a3985328-1\"") },
            };
        }
    }
}
