using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>What .NET does not tell of a pipe that is written to.</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxPipe
{
    // poll(2), from poll.h; POLLERR and POLLHUP are told unasked.
    private const short Error = 8;
    private const short HungUp = 16;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        internal int Descriptor;
        internal short Asked;
        internal short Told;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);

    /// <summary>Whether anybody can read what is written there; true if that cannot be told, and for files.</summary>
    internal static bool HasReader(int descriptor)
    {
        var asked = new PollDescriptor { Descriptor = descriptor };
        return Poll(ref asked, 1, 0) <= 0 || (asked.Told & (Error | HungUp)) == 0;
    }
}
