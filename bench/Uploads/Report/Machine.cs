using System.Runtime.InteropServices;

namespace CellOS.Export.S3.Bench.Report;

/// <summary>Where and when it was measured.</summary>
internal sealed record Machine
{
    public required int Processors { get; init; }

    /// <summary>As the system names it; null where it does not.</summary>
    public required string? Processor { get; init; }

    /// <summary>In bytes.</summary>
    public required long Memory { get; init; }
    public required string Runtime { get; init; }
    public required string System { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>How many processes wanted to run in the last minute before; null where the system does not tell.</summary>
    public required double? LoadBefore { get; init; }

    internal static Machine Look() =>
        new()
        {
            Processors = Environment.ProcessorCount,
            Processor = OperatingSystem.IsLinux() ? ProcessorName() : null,
            Memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Runtime = RuntimeInformation.FrameworkDescription,
            System = RuntimeInformation.OSDescription,
            At = DateTimeOffset.UtcNow,
            LoadBefore = OperatingSystem.IsLinux() ? Load() : null,
        };

    private static string? ProcessorName() =>
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1]
            .Trim();

    private static double Load() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], provider: null);
}
