using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>What .NET cannot do: tell what a path leads to, and see that a folder is on disk.</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxPath
{
    // statx(2), from linux/fcntl.h and linux/stat.h; the same everywhere.
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint TypeLinksAndSize = 0x205;
    private const uint InodeAndLinks = 0x104;
    private const int TypeMask = 0xf000;

    // open(2); O_CLOEXEC is the same on all architectures of .NET.
    private const int ReadOnlyCloseOnExec = 0x80000;

    // errno(3)
    private const int NoEntry = 2;
    private const int Interrupted = 4;
    private const int NotADirectory = 20;
    private const int AccessDenied = 13;
    private const int Invalid = 22;
    private const int ReadOnlyFileSystem = 30;

    /// <summary>The fields of <c>struct statx</c> that matter; its layout is the same everywhere.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(16)]
        internal uint Links;

        [FieldOffset(28)]
        internal ushort Mode;

        [FieldOffset(32)]
        internal ulong Inode;

        [FieldOffset(40)]
        internal ulong Size;

        [FieldOffset(136)]
        internal uint DeviceMajor;

        [FieldOffset(140)]
        internal uint DeviceMinor;
    }

    [LibraryImport(
        "libc",
        EntryPoint = "statx",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int GetStatus(int folder, string path, int flags, uint mask, out Statx status);

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushToDisk(SafeFileHandle handle);

    /// <summary>The kind of what a path leads to, and of a file its length in bytes.</summary>
    internal static (FileKind Kind, long Length) Look(string path, bool follow = false) =>
        Look(CurrentFolder, path, follow);

    /// <summary>The same for a name in an open folder, a link not followed.</summary>
    internal static (FileKind Kind, long Length) Look(int folder, string name) =>
        Look(folder, name, follow: false);

    private static (FileKind Kind, long Length) Look(int folder, string path, bool follow)
    {
        // The C library would end the path there.
        if (path.Contains('\0'))
            return (FileKind.Missing, 0);
        if (GetStatus(folder, path, follow ? 0 : NoFollow, TypeLinksAndSize, out var status) != 0)
            return Marshal.GetLastPInvokeError() is NoEntry or NotADirectory
                ? (FileKind.Missing, 0)
                : (FileKind.Unknown, 0);

        return (status.Mode & TypeMask) switch
        {
            0x1000 => (FileKind.Pipe, 0),
            0x2000 or 0x6000 => (FileKind.Device, 0),
            0x4000 => (FileKind.Folder, 0),
            0x8000 when status.Links == 0 => (FileKind.Deleted, 0),
            0x8000 => (FileKind.File, checked((long)status.Size)),
            0xa000 => (FileKind.Link, 0),
            0xc000 => (FileKind.Socket, 0),
            _ => (FileKind.Unknown, 0),
        };
    }

    /// <summary>
    /// Device and inode, which no two files share at a time; null if it cannot be told, or if the file has no name any
    /// more.
    /// </summary>
    internal static string? Identity(string path, bool follow) =>
        !path.Contains('\0')
        && GetStatus(CurrentFolder, path, follow ? 0 : NoFollow, InodeAndLinks, out var status) == 0
        && status.Links > 0
            ? $"{status.DeviceMajor}:{status.DeviceMinor}:{status.Inode}"
            : null;

    /// <summary>
    /// Sees that the names in a folder are on disk (fsync(2): a file's own fsync does not do that), where the folder may
    /// be read and the file system has such a thing.
    /// </summary>
    /// <exception cref="IOException">It could not be done.</exception>
    internal static void FlushFolder(string path)
    {
        var descriptor = OpenPath(path, ReadOnlyCloseOnExec);
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == AccessDenied)
            return;
        if (descriptor < 0)
            throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Flush(handle);
    }

    /// <summary>
    /// Sees that what was written is on disk, where the file system has such a thing. .NET's own method ignores what
    /// fsync(2) reports, such as a full disk that showed only then.
    /// </summary>
    /// <exception cref="IOException">It could not be done.</exception>
    internal static void Flush(SafeFileHandle handle)
    {
        while (FlushToDisk(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error is Invalid or ReadOnlyFileSystem)
                return;
            if (error != Interrupted)
                throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }
}
