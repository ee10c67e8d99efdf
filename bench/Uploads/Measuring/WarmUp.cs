using System.Diagnostics;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>
/// What goes before a measurement, so that all code is loaded, and compiled the way that it stays: pushes for as long as
/// the measurement will take, and half as long again, with pauses in which the runtime's compiler does the rest. It
/// compiles anew what ran 30 times, once more what that told it, and beside the pushes on a machine with few
/// processors: a second of small pushes is too little.
/// </summary>
internal static class WarmUp
{
    /// <summary>The most that one push of a warm-up sends, in bytes.</summary>
    internal const long Most = 64 << 20;

    private const int Parts = 4;

    /// <summary>In one part: so that code which works on large files is warm.</summary>
    private const int FewestBytes = 16 << 20;
    private const int MostPushes = 600;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <param name="peer">What is measured.</param>
    /// <param name="sources">What it pushes.</param>
    /// <param name="concurrency">How many at once.</param>
    /// <param name="seconds">How long, in seconds, at least.</param>
    /// <returns>How many pushes it took, and how long one took in the end, in seconds.</returns>
    internal static async Task<(int Pushes, double SecondsPerPush)> RunAsync(
        IPeer peer,
        Sources sources,
        int concurrency,
        double seconds
    )
    {
        // A process that ends has nothing to warm.
        if (peer is CurlPeer)
            return (0, double.PositiveInfinity);

        var total = 0;
        var secondsPerPush = 0.0;
        var batch = (int)Math.Clamp(FewestBytes / Math.Max(1, sources.Size), 1, MostPushes);
        for (var part = 1; part <= Parts; part++)
        {
            var clock = Stopwatch.StartNew();
            var count = 0;
            do
            {
                await Load.PushAsync(
                    peer,
                    sources,
                    $"{PresignedUrls.WarmUp}{part}-{count}/",
                    batch,
                    concurrency
                );
                count += batch;
            } while (clock.Elapsed.TotalSeconds < seconds / Parts);
            secondsPerPush = clock.Elapsed.TotalSeconds / count;
            total += count;
            await Task.Delay(Pause);
        }

        return (total, secondsPerPush);
    }
}
