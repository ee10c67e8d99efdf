using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;
using static CellOS.Export.S3.Files.Errno;
using static CellOS.Export.S3.Files.OpenFlags;

namespace CellOS.Export.S3.Files;

/// <summary>Looks at paths without opening them, and flushes files and folders to disk.</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxPath
{
    /// <summary>The permissions of a new file, before the umask: read and write for all.</summary>
    private const int NewFile = 0x1b6;

    // flock(2)
    private const int Exclusive = 2;
    private const int WithoutWaiting = 4;

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int OpenPath(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockFile(SafeFileHandle handle, int operation);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushToDisk(SafeFileHandle handle);

    /// <summary>The id of the user whose rights this process has.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    /// <summary>Returns what a path leads to.</summary>
    internal static FileLook Look(string path, bool follow = false) =>
        // The C library would end the path at a NUL.
        path.Contains('\0')
            ? default
            : Look(LinuxStatus.TryGet(path, follow), follow);

    /// <summary>Returns what a name or a path below an open folder leads to, a link at its end not followed.</summary>
    internal static FileLook Look(SafeFileHandle folder, string name) =>
        name.Contains('\0') ? default : Look(LinuxStatus.TryGet(folder, name), follow: false);

    private static FileLook Look(LinuxStatus.Statx? found, bool follow)
    {
        if (found is not { } status)
            return new FileLook(
                Marshal.GetLastPInvokeError() is NoEntry or NotADirectory
                    ? FileKind.Missing
                    : FileKind.Unknown
            );

        var kind = status.Type switch
        {
            LinuxStatus.Pipe => FileKind.Pipe,
            LinuxStatus.CharacterDevice or LinuxStatus.BlockDevice => FileKind.Device,
            LinuxStatus.Folder => FileKind.Folder,
            LinuxStatus.RegularFile when follow && status.Links == 0 => FileKind.Deleted,
            LinuxStatus.RegularFile => FileKind.File,
            LinuxStatus.SymbolicLink => FileKind.Link,
            LinuxStatus.Socket => FileKind.Socket,
            _ => FileKind.Unknown,
        };
        return new FileLook(kind, status.Stamp);
    }

    /// <summary>Returns the identity of a file; null if it has no name any more or cannot be looked at.</summary>
    internal static FileId? Identity(string path, bool follow) =>
        !path.Contains('\0') && LinuxStatus.TryGet(path, follow) is { Links: > 0 } status
            ? status.Stamp.Id
            : null;

    /// <summary>Returns the identity of an open file.</summary>
    /// <exception cref="IOException">The system does not report it.</exception>
    internal static FileId Identity(SafeFileHandle handle) => LinuxStatus.Of(handle).Stamp.Id;

    /// <summary>
    /// Opens a file for reading and writing, or makes it, and locks it (flock(2)) against other processes of this tool. The
    /// path is taken as the system takes it: .NET would remove <c>link/..</c> from it, which leads elsewhere.
    /// </summary>
    /// <exception cref="IOException">It cannot be opened; <c>HResult</c> is 11 (EWOULDBLOCK) if another process has it locked.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not do that.</exception>
    internal static SafeFileHandle OpenLocked(string path)
    {
        // A pipe that took the place of the file does not make the caller wait.
        var descriptor = OpenPath(
            path,
            ReadWrite | Create | CloseOnExec | NoControllingTerminal | NonBlocking | LinuxFile.LargeFile,
            NewFile
        );
        if (descriptor < 0)
            throw Error(Marshal.GetLastPInvokeError());

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        // Some network file systems have no locks.
        if (LockFile(handle, Exclusive | WithoutWaiting) == 0 || Marshal.GetLastPInvokeError() != WouldBlock)
            return handle;

        handle.Dispose();
        throw Error(WouldBlock);
    }

    private static Exception Error(int error)
    {
        var message = Marshal.GetPInvokeErrorMessage(error);
        return error is AccessDenied or PermissionDenied
            ? new UnauthorizedAccessException(message)
            : new IOException(message, error);
    }

    /// <summary>
    /// Sees that the names in a folder are on disk (fsync(2): a file's own fsync does not do that), where the folder may
    /// be read and the file system has such a thing.
    /// </summary>
    /// <exception cref="IOException">It could not be done.</exception>
    internal static void FlushFolder(string path)
    {
        var descriptor = OpenPath(path, CloseOnExec, 0);
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == AccessDenied)
            return;
        if (descriptor < 0)
            throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Flush(handle, isFolder: true);
    }

    /// <summary>The same for a folder that is open.</summary>
    /// <exception cref="IOException">It could not be done.</exception>
    internal static void FlushFolder(SafeFileHandle folder) => Flush(folder, isFolder: true);

    /// <summary>
    /// Sees that what was written to a file is on disk, where the file system has such a thing. .NET's own method ignores
    /// what fsync(2) reports, such as a full disk that showed only then.
    /// </summary>
    /// <exception cref="IOException">It could not be done.</exception>
    internal static void Flush(SafeFileHandle file) => Flush(file, isFolder: false);

    private static void Flush(SafeFileHandle handle, bool isFolder)
    {
        while (FlushToDisk(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (IsFlushFailure(error, isFolder))
                throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            if (error != Interrupted)
                return;
        }
    }

    /// <summary>
    /// True if an error of fsync(2) shows that something may not be on disk. EINTR is tried again; EINVAL says that there
    /// is nothing to flush. A file system that became read-only (EROFS) after an error of the disk has lost what was
    /// written; a folder there has no new names.
    /// </summary>
    /// <param name="error">The error, an errno(3).</param>
    /// <param name="isFolder">True for a folder, false for a file.</param>
    internal static bool IsFlushFailure(int error, bool isFolder) =>
        error is not (Interrupted or Invalid) && !(isFolder && error == ReadOnlyFileSystem);
}
