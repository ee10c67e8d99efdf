using System.Diagnostics;
using System.Text.Json;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary><c>run</c>: one peer, one measurement, one line of JSON.</summary>
internal static class RunCommand
{
    internal static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is not [var name, .. var rest])
            throw new UsageException("run wants a PEER.");
        var options = new Options(rest);
        var urls = new PresignedUrls(options.Required("--url").TrimEnd('/'));
        var digests = Digests(options.Text("--digests") ?? "none");
        var size = options.Whole("--size", least: 0);
        var sources = new Sources(options.Required("--source"), size);
        var warm = options.Text("--warm-up") is { } path
            ? new Sources(path, new FileInfo(path).Length)
            : sources;
        if (warm.Size > WarmUp.Most)
            throw new UsageException($"--warm-up wants a file of at most {WarmUp.Most} bytes.");
        var milliseconds = options.Text("--count") is null ? options.Whole("--milliseconds") : 0;
        var given = (int)options.Whole("--count", otherwise: 0);
        var concurrency = (int)options.Whole("--concurrency", otherwise: 1);
        var broker = options.Text("--broker") is { } address
            ? new BrokerAddress(
                address,
                options.Required("--broker-token"),
                (int)options.Whole("--broker-process")
            )
            : null;
        options.EnsureNothingElse();

        using var peer = PeerName.Create(name, urls, digests, sources, broker);
        var (warmUps, secondsPerPush) = await WarmUp.RunAsync(
            peer,
            warm,
            concurrency,
            1.5 * milliseconds / 1000
        );
        // What a push of the warm-up took says how many there is time for.
        var expected = secondsPerPush / Math.Max(1, warm.Size) * Math.Max(1, size);
        var count = given > 0 ? given : (int)Math.Clamp(milliseconds / 1000.0 / expected, 1, 1_000_000);
        var measurement = await MeasureAsync();
        Console.WriteLine(JsonSerializer.Serialize(measurement, BenchJson.Line));
        return 0;

        async Task<Measurement> MeasureAsync()
        {
            var isCurl = peer is CurlPeer;
            GC.Collect();
            var collections = Collections();
            var allocated = GC.GetTotalAllocatedBytes(precise: true);
            var cpu = Cpu(isCurl);
            using var asked = name == PeerName.SinkBroker ? Process.GetProcessById(broker!.Process) : null;
            var brokerCpu = asked?.TotalProcessorTime;
            var clock = Stopwatch.StartNew();
            await Load.PushAsync(peer, sources, PresignedUrls.Measured, count, concurrency);
            var seconds = clock.Elapsed.TotalSeconds;
            cpu = Cpu(isCurl) - cpu;
            asked?.Refresh();
            brokerCpu = asked?.TotalProcessorTime - brokerCpu;
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
            return new Measurement
            {
                Peer = name,
                Digests = digests.ToString().ToLowerInvariant(),
                Size = size,
                Count = count,
                Concurrency = concurrency,
                WarmUps = warmUps,
                Seconds = seconds,
                CpuSeconds = cpu.TotalSeconds,
                BrokerCpuSeconds = brokerCpu?.TotalSeconds,
                AllocatedPerPush = isCurl ? null : (double)allocated / count,
                PeakRss = PeakRss(isCurl),
                Collections = isCurl
                    ? null
                    : [.. Collections().Zip(collections, (after, before) => after - before)],
            };
        }
    }

    private static DigestChoice Digests(string text) =>
        text switch
        {
            "none" => DigestChoice.None,
            "sha256" => DigestChoice.Sha256,
            "md5" => DigestChoice.Md5,
            "both" => DigestChoice.Both,
            "verify" => DigestChoice.Verify,
            "bound" => DigestChoice.Bound,
            "off" => DigestChoice.Off,
            _ => throw new UsageException(
                $"--digests wants both, sha256, md5, none, verify, bound or off, not '{text}'."
            ),
        };

    private static int[] Collections() =>
        [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];

    private static TimeSpan Cpu(bool ofChildren) =>
        !ofChildren ? Environment.CpuUsage.TotalTime
        : OperatingSystem.IsLinux() ? Usage.OfChildren().Cpu
        : throw new UsageException("What curl uses is known on Linux alone.");

    private static long? PeakRss(bool ofChildren) =>
        !OperatingSystem.IsLinux() ? null
        : ofChildren ? Usage.OfChildren().PeakRss
        : Usage.PeakRss();
}
