using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CellOS.Export.S3.Telemetry;

/// <summary>
/// What listeners listen to; see <see cref="S3ExportTelemetry"/>. It is made when the first push begins: a command that
/// only checks a configuration does not wait for it.
/// </summary>
internal static class Instruments
{
    private static readonly string Version = typeof(Instruments).Assembly.GetName().Version!.ToString(3);

    private static readonly Meter Meter = new(S3ExportTelemetry.MeterName, Version);

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

    internal static readonly ActivitySource Source = new(S3ExportTelemetry.ActivitySourceName, Version);

    internal static readonly Counter<long> Pushes = Meter.CreateCounter<long>(
        "cellos.export.pushes",
        "{push}",
        "Pushes that have ended."
    );

    internal static readonly Counter<long> Attempts = Meter.CreateCounter<long>(
        "cellos.export.attempts",
        "{attempt}",
        "Requests, the first of each push included."
    );

    internal static readonly Counter<long> Sent = Meter.CreateCounter<long>(
        "cellos.export.sent",
        "By",
        "Bytes of bodies that were handed to a connection, in all attempts."
    );

    internal static readonly Counter<long> Failures = Meter.CreateCounter<long>(
        "cellos.export.failures",
        "{failure}",
        "Pushes that ended without a receipt and were not cancelled."
    );

    internal static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "cellos.export.duration",
        "s",
        "How long pushes took, with all their attempts and waits.",
        tags: null,
        Boundaries
    );

    /// <summary>Whether anybody listens to any of it.</summary>
    internal static bool AreHeard =>
        Source.HasListeners()
        || Pushes.Enabled
        || Attempts.Enabled
        || Sent.Enabled
        || Failures.Enabled
        || Duration.Enabled;
}
