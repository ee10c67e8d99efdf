using System.Runtime.InteropServices;
using System.Text;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Files;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>Standard input, output and error as the process was given them.</summary>
internal static partial class StandardDescriptors
{
    // fcntl(2)
    private const int GetDescriptorFlags = 1;

    /// <summary>The characters of the longest line that is written at once.</summary>
    private const int LongestLine = 64 * 1024;

    /// <summary>The lock of standard output, and of standard error if that is the same pipe, file or terminal.</summary>
    private static readonly Lock Gate = new();

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

    /// <summary>
    /// A writer to standard output or standard error: UTF-8 without a byte order mark, whatever the locale, and each text
    /// at once. A terminal on Windows gets the characters that it can show.
    /// </summary>
    /// <param name="descriptor">The number, 1 or 2.</param>
    /// <param name="isClosed">True if it was closed when the process began.</param>
    /// <param name="interruption">Returns what ends the waiting for a reader that does not read.</param>
    internal static TextWriter Writer(int descriptor, bool isClosed, Func<CancellationToken> interruption)
    {
        if (!OperatingSystem.IsWindows())
            return Utf8(
                new DescriptorStream(
                    descriptor,
                    isClosed,
                    interruption,
                    descriptor == 1 || AreOne() ? Gate : null
                )
            );
        if (descriptor == 1)
            return Console.IsOutputRedirected ? Utf8(Console.OpenStandardOutput()) : Console.Out;
        return Console.IsErrorRedirected ? Utf8(Console.OpenStandardError()) : Console.Error;
    }

    /// <summary>
    /// True if standard output and standard error may be the same pipe, file or terminal. Two of them must not share a lock:
    /// a reader of one may wait for the end of the other.
    /// </summary>
    private static bool AreOne()
    {
        if (!OperatingSystem.IsLinux())
            return true;
        using var output = new SafeFileHandle(1, ownsHandle: false);
        using var error = new SafeFileHandle(2, ownsHandle: false);
        try
        {
            return LinuxPath.Identity(output) == LinuxPath.Identity(error);
        }
        // The write that follows reports what is wrong with it.
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Its buffer takes a whole line: with the default of 1,024 characters, a longer one takes several writes.</summary>
    private static StreamWriter Utf8(Stream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), LongestLine)
        {
            AutoFlush = true,
        };
}
