using System.Runtime.InteropServices;
using System.Text;

namespace CellOS.Export.S3.Cli;

/// <summary>
/// The limits of this process (getrlimit(2)). It uses nothing that is loaded from a file: at the limit of open files no
/// library can be loaded.
/// </summary>
internal static partial class ProcessLimits
{
    /// <summary>
    /// The number of files that a push opens beside those that are open at its start, until it looks at what the artifacts
    /// need: each library of the runtime is one.
    /// </summary>
    private const int Spare = 80;

    /// <summary>RLIMIT_NOFILE</summary>
    private const int OpenFilesResource = 7;

    // fcntl(2)
    private const int GetDescriptorFlags = 1;

    // signal(2); the number is the same on all architectures of .NET, and on macOS.
    private const int SizeLimitReached = 25;
    private const nint Ignore = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct Pair
    {
        internal nuint Soft;
        internal nuint Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Get(int resource, out Pair limits);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Handle(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    /// <summary>The limit of open files; null where the system does not say, or has none.</summary>
    internal static long? OpenFiles =>
        OperatingSystem.IsLinux()
        && Get(OpenFilesResource, out var limits) == 0
        && limits.Soft <= int.MaxValue
            ? (long)limits.Soft
            : null;

    /// <summary>Returns a sentence if so few files may be opened that a command cannot run; null if not.</summary>
    internal static string? Problem()
    {
        if (OpenFiles is not { } limit)
            return null;

        // More than these the runtime does not open before the program begins.
        var open = 0;
        for (var descriptor = 0; descriptor < Math.Min(limit, 1024); descriptor++)
            if (Control(descriptor, GetDescriptorFlags) >= 0)
                open++;
        return limit - open < Spare
            ? $"The limit of open files ({limit}) is too low for this tool. Raise it (ulimit -n) to {open + Spare} or more."
            : null;
    }

    /// <summary>
    /// Sees that a file that may not grow any further (ulimit -f) is an error of the write. By default, the signal ends the
    /// process without a word.
    /// </summary>
    internal static void ReportFileSize()
    {
        if (!OperatingSystem.IsWindows())
            _ = Handle(SizeLimitReached, Ignore);
    }

    /// <summary>Writes a sentence to standard error. What cannot be written is lost; the exit code still tells.</summary>
    internal static void Say(string sentence)
    {
        var bytes = Encoding.UTF8.GetBytes($"cellos-export-s3: {sentence}\n");
        if (OperatingSystem.IsWindows())
            Console.Error.Write(Encoding.UTF8.GetString(bytes));
        else
            _ = WriteSome(2, bytes, (nuint)bytes.Length);
    }
}
