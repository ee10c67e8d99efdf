using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CellOS.Export.S3.Telemetry;

/// <summary>
/// What listeners listen to; see <see cref="S3ExportTelemetry"/>. It is made when the first push begins: a command that
/// only checks a configuration does not wait for it.
/// </summary>
internal sealed class Instruments
{
    private static readonly string Version = typeof(Instruments).Assembly.GetName().Version!.ToString(3);

    /// <summary>A file of 4 KiB on the same rack, up to one of 5 GiB over a slow line with all its attempts.</summary>
    private static readonly InstrumentAdvice<double> Boundaries = new()
    {
        HistogramBucketBoundaries =
        [
            0.005,
            0.01,
            0.025,
            0.05,
            0.1,
            0.25,
            0.5,
            1,
            2.5,
            5,
            10,
            30,
            60,
            120,
            300,
            900,
            3600,
        ],
    };

    private static readonly (Instruments? All, string? Obstacle) Made = Make();

    private Instruments(Meter meter)
    {
        Pushes = meter.CreateCounter<long>("cellos.export.pushes", "{push}", "Pushes that have ended.");
        Attempts = meter.CreateCounter<long>(
            "cellos.export.attempts",
            "{attempt}",
            "Requests, the first of each push included."
        );
        Sent = meter.CreateCounter<long>(
            "cellos.export.sent",
            "By",
            "Bytes of bodies that were handed to a connection, in all attempts."
        );
        Failures = meter.CreateCounter<long>(
            "cellos.export.failures",
            "{failure}",
            "Pushes that ended without a receipt and were not cancelled."
        );
        Duration = meter.CreateHistogram(
            "cellos.export.duration",
            "s",
            "How long pushes took, with all their attempts and waits.",
            tags: null,
            Boundaries
        );
    }

    /// <summary>All of them, if anybody listens to any.</summary>
    internal static Instruments? Heard => Made.All is { AreHeard: true } all ? all : null;

    /// <summary>
    /// The type of what a listener threw when it was told that there are these: they are not to be had then, for as long
    /// as the process runs. Null as a rule.
    /// </summary>
    internal static string? Obstacle => Made.Obstacle;

    internal ActivitySource Source { get; } = new(S3ExportTelemetry.ActivitySourceName, Version);

    internal Counter<long> Pushes { get; }

    internal Counter<long> Attempts { get; }

    internal Counter<long> Sent { get; }

    internal Counter<long> Failures { get; }

    internal Histogram<double> Duration { get; }

    private bool AreHeard =>
        Source.HasListeners()
        || Pushes.Enabled
        || Attempts.Enabled
        || Sent.Enabled
        || Failures.Enabled
        || Duration.Enabled;

    /// <summary>.NET tells listeners of what is made, on the flow that makes it, and lets through what they throw.</summary>
    private static (Instruments?, string?) Make()
    {
        try
        {
            return (new Instruments(new Meter(S3ExportTelemetry.MeterName, Version)), null);
        }
        catch (Exception exception)
        {
            return (null, exception.GetType().Name);
        }
    }
}
