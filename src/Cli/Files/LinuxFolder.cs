using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>The entries of a folder with the bytes of their names, which .NET does not show.</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxFolder
{
    /// <summary>Where <c>d_name</c> begins in <c>struct dirent64</c>; the same everywhere.</summary>
    private const int NameOffset = 19;

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    private static partial nint OpenStream(int descriptor);

    [LibraryImport("libc", EntryPoint = "readdir64", SetLastError = true)]
    private static partial nint ReadEntry64(nint stream);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint ReadEntry(nint stream);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int Close(nint stream);

    /// <summary>Lists every entry: an omitted entry would go unreported.</summary>
    /// <param name="folder">The folder, opened for reading; it is closed.</param>
    /// <param name="now">The time now, by the clock that stamps files.</param>
    /// <exception cref="IOException">It cannot be read to its end.</exception>
    internal static FolderListing List(SafeFileHandle folder, DateTimeOffset now)
    {
        var descriptor = folder.DangerousGetHandle().ToInt32();
        var stamp = LinuxStatus.Of(folder).Stamp;
        var stream = OpenStream(descriptor);
        if (stream == 0)
        {
            folder.Dispose();
            throw Error();
        }

        // closedir closes it.
        folder.SetHandleAsInvalid();
        using var open = new SafeFileHandle(descriptor, ownsHandle: false);
        try
        {
            var entries = new List<FolderEntry>();
            while (Next(stream) is var entry and not 0)
            {
                var bytes = Name(entry);
                if (bytes.SequenceEqual("."u8) || bytes.SequenceEqual(".."u8))
                    continue;
                var isText = Utf8Name.TryDecode(bytes, out var name);
                var look = isText ? LinuxPath.Look(open, name) : new FileLook(FileKind.Unknown);
                entries.Add(new FolderEntry(name, isText, look));
            }

            return Marshal.GetLastPInvokeError() == 0
                ? new FolderListing(entries, stamp, stamp.IsSettled(now))
                : throw Error();
        }
        finally
        {
            _ = Close(stream);
        }
    }

    /// <summary>musl has only <c>readdir</c>, whose entries are the same there.</summary>
    private static nint Next(nint stream)
    {
        try
        {
            return ReadEntry64(stream);
        }
        catch (EntryPointNotFoundException)
        {
            return ReadEntry(stream);
        }
    }

    private static unsafe ReadOnlySpan<byte> Name(nint entry) =>
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + NameOffset);

    private static IOException Error() => new(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
}
