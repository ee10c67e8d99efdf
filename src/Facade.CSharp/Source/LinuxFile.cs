using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using static CellOS.Export.S3.Files.Errno;
using static CellOS.Export.S3.Files.OpenFlags;

namespace CellOS.Export.S3.Source;

/// <summary>
/// Opens a file that a cell, which is not trusted, left behind: through no symbolic link, and without waiting for
/// the other end of a pipe. A file of the operator's may be a link. .NET itself can do neither, nor can it tell a regular file from a device.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxFile
{
    /// <summary>Files above 2 GiB; it is of no consequence where an offset has 64 bits anyhow.</summary>
    internal static int LargeFile =>
        RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Armv6 ? 0x20000 : 0;

    private static bool IsArmOrPower =>
        RuntimeInformation.ProcessArchitecture
            is Architecture.Arm
                or Architecture.Arm64
                or Architecture.Armv6
                or Architecture.Ppc64le;

    /// <summary>O_NOFOLLOW, which has another value on ARM and POWER.</summary>
    internal static int NoFollowFlag => IsArmOrPower ? 0x8000 : 0x20000;

    /// <summary>O_DIRECTORY, which has another value on ARM and POWER.</summary>
    internal static int FolderFlag => IsArmOrPower ? 0x4000 : 0x10000;

    private static int RegularFlags =>
        ReadOnly | NonBlocking | CloseOnExec | NoControllingTerminal | LargeFile;

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenFile(string path, int flags, int mode);

    /// <summary>Opens a name in an open folder: openat(2). Returns -1 with the last error if it cannot.</summary>
    [LibraryImport(
        "libc",
        EntryPoint = "openat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    internal static partial int OpenIn(SafeFileHandle folder, string name, int flags, int mode);

    /// <summary>Opens a regular file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <param name="followLink">True if it may be a symbolic link to one.</param>
    /// <exception cref="SourceException">The file does not exist, may not be read, or is not a regular file.</exception>
    internal static SafeFileHandle Open(string path, bool followLink = false)
    {
        RejectNul(path);
        return RequireRegular(
            Take(OpenFile(path, RegularFlags | (followLink ? 0 : NoFollowFlag), 0), path),
            path
        );
    }

    /// <summary>
    /// Opens a file of the operator's for reading, by symbolic links too. It may be a pipe, whose other end is waited for.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SourceException">The file does not exist, may not be read, or is a folder.</exception>
    internal static SafeFileHandle OpenToRead(string path)
    {
        RejectNul(path);
        var handle = Take(
            OpenFile(path, ReadOnly | CloseOnExec | NoControllingTerminal | LargeFile, 0),
            path
        );
        if (Status(handle, path).Type != LinuxStatus.Folder)
            return handle;

        handle.Dispose();
        throw SourceException.NotAFile(path, Describe(LinuxStatus.Folder));
    }

    /// <summary>
    /// Opens a regular file for reading. Below a root every folder on the way is opened in the one before it, and none
    /// of them may be a symbolic link: what another process puts in the place of one of them leads nowhere.
    /// </summary>
    /// <exception cref="SourceException">The file does not exist, may not be read, or is not a regular file.</exception>
    internal static SafeFileHandle Open(SourcePath path)
    {
        if (path.Root is not { } root)
            return Open(path.Path);

        var segments = path.Segments();
        using var folder = Descend(root, segments.AsSpan(..^1));
        RejectNul(path.Full);
        return RequireRegular(
            Take(OpenIn(folder ?? root.Handle!, segments[^1], RegularFlags | NoFollowFlag, 0), path.Full),
            path.Full
        );
    }

    /// <summary>Opens a folder without reading it, so that it stays the same whatever becomes of its path.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="followLink">True if it may be a symbolic link to one.</param>
    /// <exception cref="SourceException">The folder does not exist or cannot be opened.</exception>
    internal static SafeFileHandle OpenFolder(string path, bool followLink)
    {
        RejectNul(path);
        var descriptor = OpenFile(
            path,
            PathOnly | FolderFlag | CloseOnExec | (followLink ? 0 : NoFollowFlag),
            0
        );
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);

        var error = Marshal.GetLastPInvokeError();
        throw error == NotADirectory && !followLink && new FileInfo(path).LinkTarget is not null
            ? SourceException.Link(path)
            : FolderRefusal(path, error);
    }

    /// <summary>Opens a folder of the operator's for reading its names, by symbolic links too.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="followLink">True if it may be a symbolic link to one.</param>
    /// <exception cref="SourceException">The folder does not exist or may not be read.</exception>
    internal static SafeFileHandle OpenToList(string path, bool followLink = true)
    {
        RejectNul(path);
        var descriptor = OpenFile(
            path,
            ReadOnly | FolderFlag | CloseOnExec | LargeFile | (followLink ? 0 : NoFollowFlag),
            0
        );
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw FolderRefusal(path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Opens a folder below a root for listing; no folder on the way is a symbolic link.</summary>
    /// <param name="root">The root.</param>
    /// <param name="segments">The names on the way; empty for the root itself.</param>
    /// <exception cref="SourceException">The folder does not exist or may not be read.</exception>
    internal static SafeFileHandle OpenForListing(ExportRoot root, ReadOnlySpan<string> segments)
    {
        using var folder = Descend(root, segments);
        var descriptor = OpenIn(
            folder ?? root.Handle!,
            ".",
            ReadOnly | FolderFlag | CloseOnExec | LargeFile,
            0
        );
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw FolderRefusal(
                Path.Join(root.Path, string.Join('/', segments!)),
                Marshal.GetLastPInvokeError()
            );
    }

    /// <summary>The last of some folders below a root, opened one in the other; null if there are none.</summary>
    private static SafeFileHandle? Descend(ExportRoot root, ReadOnlySpan<string> segments)
    {
        SafeFileHandle? folder = null;
        var path = root.Path;
        foreach (var segment in segments)
        {
            using var above = folder;
            path = Path.Join(path, segment);
            RejectNul(segment);
            var descriptor = OpenIn(
                above ?? root.Handle!,
                segment,
                PathOnly | FolderFlag | CloseOnExec | NoFollowFlag,
                0
            );
            if (descriptor < 0)
                throw FolderRefusal(above ?? root.Handle!, segment, path, Marshal.GetLastPInvokeError());
            folder = new SafeFileHandle(descriptor, ownsHandle: true);
        }

        return folder;
    }

    private static SafeFileHandle Take(int descriptor, string path) =>
        descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw Refusal(path, Marshal.GetLastPInvokeError());

    private static SafeFileHandle RequireRegular(SafeFileHandle handle, string path)
    {
        try
        {
            var type = Status(handle, path).Type;
            return type == LinuxStatus.RegularFile
                ? handle
                : throw SourceException.NotAFile(path, Describe(type));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The C library would read no further, and open another file.</summary>
    private static void RejectNul(string path)
    {
        if (path.Contains('\0'))
            throw SourceException.NotFound(path);
    }

    /// <summary>Returns the stamp of an open file.</summary>
    /// <exception cref="SourceException">The system does not report it.</exception>
    internal static FileStamp Stamp(SafeFileHandle handle, string path) => Status(handle, path).Stamp;

    private static LinuxStatus.Statx Status(SafeFileHandle handle, string path)
    {
        try
        {
            return LinuxStatus.Of(handle);
        }
        catch (IOException exception)
        {
            throw SourceException.From(exception, path);
        }
    }

    private static SourceException Refusal(string path, int error) =>
        error switch
        {
            NoEntry or NotADirectory or NameTooLong => SourceException.NotFound(path),
            AccessDenied or PermissionDenied => SourceException.Denied(path),
            TooManyLinks => SourceException.NotAFile(path, "a symbolic link"),
            NoDevice => SourceException.NotAFile(path, "a socket or a device"),
            _ => SourceException.From(new IOException(Marshal.GetPInvokeErrorMessage(error), error), path),
        };

    /// <summary>A symbolic link is "not a directory" to open(2), like a file.</summary>
    private static SourceException FolderRefusal(SafeFileHandle above, string name, string path, int error) =>
        error == NotADirectory && LinuxStatus.TryGet(above, name) is { Type: LinuxStatus.SymbolicLink }
            ? SourceException.Link(path)
            : FolderRefusal(path, error);

    private static SourceException FolderRefusal(string path, int error) =>
        error switch
        {
            NoEntry or NotADirectory or NameTooLong => SourceException.NotAFolder(path),
            AccessDenied or PermissionDenied => SourceException.DeniedFolder(path),
            _ => SourceException.From(new IOException(Marshal.GetPInvokeErrorMessage(error), error), path),
        };

    private static string Describe(int type) =>
        type switch
        {
            LinuxStatus.Pipe => "a pipe",
            LinuxStatus.CharacterDevice or LinuxStatus.BlockDevice => "a device",
            LinuxStatus.Folder => "a folder",
            LinuxStatus.Socket => "a socket",
            _ => "something else",
        };
}
