using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>What children of this process have used, of those that ended.</summary>
internal static partial class Usage
{
    private const int Children = -1;

    /// <returns>User and system time of all of them, and the peak resident set of the largest, in bytes.</returns>
    [SupportedOSPlatform("linux")]
    internal static (TimeSpan Cpu, long PeakRss) OfChildren()
    {
        if (GetUsage(Children, out var usage) != 0)
            throw new InvalidOperationException($"getrusage failed: {Marshal.GetLastPInvokeErrorMessage()}");
        var seconds = usage.UserSeconds + usage.SystemSeconds;
        var microseconds = usage.UserMicroseconds + usage.SystemMicroseconds;
        return (
            TimeSpan.FromSeconds(seconds) + TimeSpan.FromMicroseconds(microseconds),
            usage.MaxRssKibibytes * 1024
        );
    }

    /// <summary>The most memory that this process ever had resident, in bytes.</summary>
    [SupportedOSPlatform("linux")]
    internal static long PeakRss() => PeakRss("self");

    /// <summary>As /proc/PID/status tells it.</summary>
    [SupportedOSPlatform("linux")]
    internal static long PeakRss(string process) => Kibibytes(process, "VmHWM:");

    /// <summary>What a process has resident now, in bytes.</summary>
    [SupportedOSPlatform("linux")]
    internal static long Rss(string process) => Kibibytes(process, "VmRSS:");

    private static long Kibibytes(string process, string key)
    {
        var line = File.ReadLines($"/proc/{process}/status")
            .First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(key.Length).Trim().TrimEnd("kB").Trim(), provider: null) * 1024;
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetUsage(int who, out ResourceUsage usage);

    /// <summary>struct rusage of 64-bit Linux: two times, and fourteen numbers.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceUsage
    {
        internal long UserSeconds;
        internal long UserMicroseconds;
        internal long SystemSeconds;
        internal long SystemMicroseconds;
        internal long MaxRssKibibytes;
        private readonly Rest _rest;
    }

    [System.Runtime.CompilerServices.InlineArray(13)]
    private struct Rest
    {
        private long _element;
    }
}
