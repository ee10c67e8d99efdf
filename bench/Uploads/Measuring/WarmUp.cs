using System.Diagnostics;
using System.Runtime;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>
/// What goes before a measurement, so that all code is loaded, and compiled the way that it stays: pushes in parts, with pauses in
/// which the runtime's compiler does the rest, until it compiles no more. It compiles anew what ran 30 times, once more what that
/// told it, and beside the pushes on a machine with few processors: a few seconds of small pushes, and more for more code.
/// </summary>
internal static class WarmUp
{
    /// <summary>The most that one push of a warm-up sends, in bytes.</summary>
    internal const long Most = 64 << 20;

    private const int FewestParts = 4;
    private const int MostParts = 40;

    /// <summary>The most methods that are compiled in a part which is warm: now and then the compiler takes up a rare one.</summary>
    private const int MostMethods = 4;

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
        var isWarm = false;
        for (var part = 1; part <= FewestParts || !isWarm && part <= MostParts; part++)
        {
            var methods = JitInfo.GetCompiledMethodCount();
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
            } while (clock.Elapsed.TotalSeconds < seconds / FewestParts);
            secondsPerPush = clock.Elapsed.TotalSeconds / count;
            total += count;
            await Task.Delay(Pause);
            isWarm = JitInfo.GetCompiledMethodCount() - methods <= MostMethods;
        }

        return (total, secondsPerPush);
    }
}
