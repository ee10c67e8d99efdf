using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>
/// A receipts file that this process alone has open. Elsewhere than on Windows that is an advisory lock (flock), which
/// holds against other processes of this tool, and which ends with the process, however that ends.
/// </summary>
internal sealed class ReceiptsStore : IReceiptsStore
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;

    /// <summary>Which file it is: see <see cref="FileIdentity"/>.</summary>
    internal string Identity { get; }

    private ReceiptsStore(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
        Identity = FileIdentity.OfOpen(handle, path);
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="RefusedException">It cannot be used.</exception>
    internal static ReceiptsStore Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            Check(path);
            handle = OperatingSystem.IsLinux()
                ? LinuxPath.OpenLocked(path)
                : File.OpenHandle(
                    path,
                    FileMode.OpenOrCreate,
                    FileAccess.ReadWrite,
                    // Windows holds others to it; they may look at least.
                    OperatingSystem.IsWindows()
                        ? FileShare.Read
                        : FileShare.None
                );
            if (IsStream(handle, path))
                throw new RefusedException(
                    $"The receipts file {Quote(path)} is where standard output or standard error goes. Give another file; standard output gets the receipts anyhow."
                );
            // So that the file itself outlives a loss of power, not only what is in it.
            if (OperatingSystem.IsLinux())
                LinuxPath.FlushFolder(FolderOf(path));
            return new ReceiptsStore(handle, path);
        }
        catch (Exception exception)
        {
            handle?.Dispose();
            if (exception is IOException or UnauthorizedAccessException)
                throw Refuse(path, exception);
            throw;
        }
    }

    /// <summary>Opens a file that another push may be writing, and does not lock it.</summary>
    /// <exception cref="RefusedException">It cannot be used.</exception>
    internal static ReceiptsStore OpenToRead(string path)
    {
        if (FileKinds.OfTarget(path) is FileKind.Missing)
            throw new RefusedException(
                $"There is no receipts file {Quote(path)}. Leave it out, or correct the path: only the first --receipts is made."
            );
        try
        {
            Check(path);
            return new ReceiptsStore(SmallFile.OpenRegular(path), path);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or SourceException)
        {
            throw new RefusedException(
                $"The receipts file {Quote(path)} cannot be read: {Shown.Line(exception.Message).TrimEnd('.')}. Let this user read it, or leave it out."
            );
        }
    }

    /// <summary>What the file system would say less clearly, or would not mind.</summary>
    private static void Check(string path)
    {
        if (path.Contains('\0'))
            throw new RefusedException("The path of the receipts file holds a NUL character.");

        switch (FileKinds.OfTarget(path))
        {
            case FileKind.Missing when FileKinds.Of(path) == FileKind.Link:
                throw new RefusedException(
                    $"The receipts file {Quote(path)} is a symbolic link to nowhere. Correct the link, or give another file."
                );
            case FileKind.Missing
                when FolderOf(path) is var folder && FileKinds.OfTarget(folder) == FileKind.Missing:
                throw new RefusedException(
                    $"The receipts file {Quote(path)} cannot be made: there is no folder {Quote(folder)}."
                );
            case var kind and not (FileKind.File or FileKind.Missing or FileKind.Unknown):
                throw new RefusedException(
                    $"The receipts file {Quote(path)} is {kind.InWords()}. Give a regular file; standard output gets the receipts in any case."
                );
        }
    }

    /// <summary>Each would write over what the other has written.</summary>
    private static bool IsStream(SafeFileHandle handle, string path) =>
        OperatingSystem.IsLinux()
        && FileIdentity.OfOpen(handle, path) is var file
        && (
            file == FileIdentity.OfTarget("/proc/self/fd/1")
            || file == FileIdentity.OfTarget("/proc/self/fd/2")
        );

    /// <summary>The path up to its last name, as it is: <c>link/..</c> stays in it.</summary>
    private static string FolderOf(string path) =>
        Path.GetDirectoryName(path) is not { } folder ? path
        : folder.Length == 0 ? "."
        : folder;

    private static RefusedException Refuse(string path, Exception exception) =>
        new(
            exception switch
            {
                UnauthorizedAccessException =>
                    $"The receipts file {Quote(path)} may not be written by this user.",
                _ when IsHeldByAnother(exception) =>
                    $"The receipts file {Quote(path)} is in use by another process. Wait for it, or give another file.",
                _ => $"The receipts file {Quote(path)} cannot be opened: {Shown.Line(exception.Message)}",
            }
        );

    // ERROR_SHARING_VIOLATION; EWOULDBLOCK of Linux and of macOS, which .NET passes on from flock(2).
    private static bool IsHeldByAnother(Exception exception) =>
        exception.HResult is unchecked((int)0x80070020) or 11 or 35;

    internal static string Quote(string path) => $"'{Shown.Short(200, path)}'";

    public bool IsInPlace => FileIdentity.OfTarget(_path) == Identity;

    public FileStamp Stamp =>
        OperatingSystem.IsLinux()
            ? LinuxStatus.Of(_handle).Stamp
            : new FileStamp(
                RandomAccess.GetLength(_handle),
                File.GetLastWriteTimeUtc(_handle).Ticks,
                0,
                default
            );

    public int Read(Span<byte> buffer, long offset) => RandomAccess.Read(_handle, buffer, offset);

    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_handle, bytes, offset);

    public void Cut(long length) => RandomAccess.SetLength(_handle, length);

    public void Flush()
    {
        if (OperatingSystem.IsLinux())
            LinuxPath.Flush(_handle);
        else
            RandomAccess.FlushToDisk(_handle);
    }

    public void Dispose() => _handle.Dispose();
}
