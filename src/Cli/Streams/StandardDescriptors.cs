using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>Standard input, output and error as the process was given them.</summary>
internal static partial class StandardDescriptors
{
    // poll(2), from poll.h; both are reported unasked.
    private const short PollError = 0x8;
    private const short HungUp = 0x10;

    // fcntl(2)
    private const int GetDescriptorFlags = 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        internal int Descriptor;
        internal short Asked;
        internal short Told;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPath(string path, int flags);

    /// <summary>
    /// Finds out which of the three were closed when the process began: what is opened next takes the place of one, and
    /// what is written to standard output would go there. A place that is still free gets <c>/dev/null</c>, for reading
    /// only, for good. Call it before anything else is opened.
    /// </summary>
    /// <returns>For 0, 1 and 2: true if it was closed.</returns>
    internal static bool[] Occupy() =>
        OperatingSystem.IsWindows() ? new bool[3] : [IsClosed(0), IsClosed(1), IsClosed(2)];

    private static bool IsClosed(int descriptor)
    {
        var flags = Control(descriptor, GetDescriptorFlags);
        // It takes the lowest free number, which is this one.
        if (flags < 0)
            _ = OpenPath("/dev/null", 0);
        // An inherited descriptor never has FD_CLOEXEC, or it would not have been inherited; what the runtime opened
        // for itself before the program began has it.
        return flags != 0;
    }

    /// <summary>Returns true if anybody can read what is written there, if that cannot be told, and for files.</summary>
    [UnsupportedOSPlatform("windows")]
    internal static bool HasReader(int descriptor)
    {
        var asked = new PollDescriptor { Descriptor = descriptor };
        return Poll(ref asked, 1, 0) <= 0 || (asked.Told & (PollError | HungUp)) == 0;
    }
}
