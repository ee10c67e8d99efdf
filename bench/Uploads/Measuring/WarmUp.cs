using System.Diagnostics;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>
/// What goes before a measurement, so that all code is loaded, and compiled the way that it stays: some hundred small
/// pushes, twice, or some large ones, each time with a pause in which the runtime's compiler does the rest.
/// </summary>
internal static class WarmUp
{
    /// <summary>The most that one push of a warm-up sends, in bytes.</summary>
    internal const long Most = 64 << 20;

    /// <summary>The most pushes in one of its two halves; the runtime compiles anew what ran 30 times.</summary>
    private const int MostPushes = 600;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <returns>How many pushes it took, and how long one took in the end, in seconds.</returns>
    internal static async Task<(int Pushes, double SecondsPerPush)> RunAsync(
        IPeer peer,
        Sources sources,
        int concurrency
    )
    {
        // A process that ends has nothing to warm.
        if (peer is CurlPeer)
            return (0, double.PositiveInfinity);

        var total = 0;
        var secondsPerPush = 0.0;
        var count = (int)Math.Clamp(Most / Math.Max(1, sources.Size), 1, MostPushes);
        for (var half = 1; half <= 2; half++)
        {
            var clock = Stopwatch.StartNew();
            await Load.PushAsync(peer, sources, $"{PresignedUrls.WarmUp}{half}/", count, concurrency);
            secondsPerPush = clock.Elapsed.TotalSeconds / count;
            await Task.Delay(Pause);
            total += count;
        }

        return (total, secondsPerPush);
    }
}
