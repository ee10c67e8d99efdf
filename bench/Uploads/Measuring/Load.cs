using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>Many pushes, a number of them at once: the same loop for every peer.</summary>
internal static class Load
{
    internal static Task PushAsync(IPeer peer, Sources sources, string prefix, int count, int concurrency)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(WorkAsync)));

        async Task WorkAsync()
        {
            int index;
            while ((index = Interlocked.Increment(ref next)) < count)
                await peer.PushAsync(sources.Name(prefix, index), sources[index]);
        }
    }
}
