using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Source;

/// <summary>
/// Opens a file that a cell, which is not trusted, left behind: through no symbolic link, and without waiting for
/// the other end of a pipe. A file of the operator's may be a link. .NET itself can do neither, nor can it tell a regular file from a device.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxFile
{
    // open(2), from asm-generic/fcntl.h; O_NOFOLLOW has another value on ARM and POWER.
    private const int ReadOnly = 0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int NoControllingTerminal = 0x100;

    /// <summary>Files above 2 GiB; it is of no consequence where an offset has 64 bits anyhow.</summary>
    private static int LargeFile =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Armv6 ? 0x20000 : 0;

    private static int NoFollow =>
        RuntimeInformation.ProcessArchitecture
            is Architecture.Arm
                or Architecture.Arm64
                or Architecture.Armv6
                or Architecture.Ppc64le
            ? 0x8000
            : 0x20000;

    // errno(3)
    private const int PermissionDenied = 1;
    private const int NoEntry = 2;
    private const int NoDevice = 6;
    private const int AccessDenied = 13;
    private const int NotADirectory = 20;
    private const int NameTooLong = 36;
    private const int TooManyLinks = 40;

    // statx(2)
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;
    private const int TypeMask = 0xf000;
    private const int RegularFile = 0x8000;

    /// <summary>The fields of <c>struct statx</c> that matter; its layout is the same everywhere.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        internal ushort Mode;

        [FieldOffset(32)]
        internal ulong Inode;

        [FieldOffset(40)]
        internal ulong Size;

        [FieldOffset(96)]
        internal long ChangedSeconds;

        [FieldOffset(104)]
        internal uint ChangedNanoseconds;

        [FieldOffset(112)]
        internal long ModifiedSeconds;

        [FieldOffset(120)]
        internal uint ModifiedNanoseconds;
    }

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenFile(string path, int flags, int mode);

    [LibraryImport(
        "libc",
        EntryPoint = "statx",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int GetStatus(
        SafeFileHandle directory,
        string path,
        int flags,
        uint mask,
        out Statx status
    );

    /// <summary>Opens a regular file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <param name="followLink">Whether it may be a symbolic link to one.</param>
    /// <exception cref="SourceException">There is none, it may not be read, or it is something else.</exception>
    internal static SafeFileHandle Open(string path, bool followLink = false)
    {
        // The C library would read no further, and open another file.
        if (path.Contains('\0'))
            throw SourceException.NotFound(path);

        var descriptor = OpenFile(
            path,
            ReadOnly
                | NonBlocking
                | CloseOnExec
                | NoControllingTerminal
                | LargeFile
                | (followLink ? 0 : NoFollow),
            0
        );
        if (descriptor < 0)
            throw Refusal(path, Marshal.GetLastPInvokeError());

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            var type = Status(handle, path).Mode & TypeMask;
            if (type != RegularFile)
                throw SourceException.NotAFile(path, Describe(type));

            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Length and time stamp of an open file.</summary>
    internal static FileStamp Stamp(SafeFileHandle handle, string path)
    {
        var status = Status(handle, path);
        return new FileStamp(
            checked((long)status.Size),
            Nanoseconds(status.ModifiedSeconds, status.ModifiedNanoseconds),
            Nanoseconds(status.ChangedSeconds, status.ChangedNanoseconds),
            status.Inode
        );
    }

    private static Int128 Nanoseconds(long seconds, uint nanoseconds) =>
        (Int128)seconds * 1_000_000_000 + nanoseconds;

    private static Statx Status(SafeFileHandle handle, string path)
    {
        if (GetStatus(handle, "", EmptyPath, BasicStats, out var status) == 0)
            return status;

        throw SourceException.From(
            new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())),
            path
        );
    }

    private static SourceException Refusal(string path, int error) =>
        error switch
        {
            NoEntry or NotADirectory or NameTooLong => SourceException.NotFound(path),
            AccessDenied or PermissionDenied => SourceException.Denied(path),
            TooManyLinks => SourceException.NotAFile(path, "a symbolic link"),
            NoDevice => SourceException.NotAFile(path, "a socket or a device"),
            _ => SourceException.From(new IOException(Marshal.GetPInvokeErrorMessage(error)), path),
        };

    private static string Describe(int type) =>
        type switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0x4000 => "a folder",
            0xc000 => "a socket",
            _ => "something else",
        };
}
