using System.Diagnostics;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Files;

/// <summary>What a file is for, in the words of messages.</summary>
/// <param name="Name">What it is called, such as <c>receipts file</c>.</param>
/// <param name="Otherwise">What to know when another file is given; empty for nothing.</param>
/// <param name="Making">What to know of a file that is not there; empty for nothing.</param>
internal sealed record FileRole(string Name, string Otherwise = "", string Making = "")
{
    /// <summary>The file at a path, as the beginning of a sentence.</summary>
    internal string At(string path) => $"The {Name} {LockedFile.Quote(path)}";

    /// <summary>The file at a path, within a sentence.</summary>
    internal string Within(string path) => $"the {Name} {LockedFile.Quote(path)}";

    /// <summary>The end of a sentence that asks for another file.</summary>
    internal string Advice(string advice) => Otherwise.Length == 0 ? $"{advice}." : $"{advice}; {Otherwise}.";
}

/// <summary>A file cannot be used, and was not changed. The message says why, and has no secret.</summary>
internal sealed class FileRefusedException(string message) : Exception(message);

/// <summary>
/// A file that this process alone has open, to append lines to it. Elsewhere than on Windows that is an advisory lock (flock), which
/// holds against other processes of this tool, and which ends with the process, however that ends.
/// </summary>
internal sealed class LockedFile : ILockedFile
{
    /// <summary>The time between two looks at a file that another process has open.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// How long a file may stay locked that its process has closed: a child that starts at the time holds all open files until its
    /// program begins.
    /// </summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly SafeFileHandle _handle;
    private readonly string _path;

    /// <summary>Which file it is: see <see cref="FileIdentity"/>.</summary>
    internal string Identity { get; }

    private LockedFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
        Identity = FileIdentity.OfOpen(handle, path);
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="path">Where it is; its folder must be there.</param>
    /// <param name="role">What it is for.</param>
    /// <param name="patience">How long another process is waited for that has the file open; <see cref="Moment"/> if null.</param>
    /// <exception cref="FileRefusedException">It cannot be used.</exception>
    internal static LockedFile Open(string path, FileRole role, TimeSpan? patience = null)
    {
        SafeFileHandle? handle = null;
        try
        {
            Check(path, role);
            handle = OpenPatiently(path, patience ?? Moment);
            if (IsStream(handle, path))
                throw new FileRefusedException(
                    $"{role.At(path)} is where standard output or standard error goes. {role.Advice("Give another file")}"
                );
            // So that the file itself outlives a loss of power, not only what is in it.
            if (OperatingSystem.IsLinux())
                LinuxPath.FlushFolder(FolderOf(path));
            return new LockedFile(handle, path);
        }
        catch (Exception exception)
        {
            handle?.Dispose();
            if (exception is IOException or UnauthorizedAccessException)
                throw Refuse(path, role, exception);
            throw;
        }
    }

    /// <summary>Opens a file that another process may be writing, and does not lock it.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="role">What it is for.</param>
    /// <exception cref="FileRefusedException">It cannot be used.</exception>
    internal static LockedFile OpenToRead(string path, FileRole role)
    {
        if (FileKinds.OfTarget(path) is FileKind.Missing)
            throw new FileRefusedException(
                $"There is no {role.Name} {Quote(path)}. Leave it out, or correct the path{role.Making}."
            );
        try
        {
            Check(path, role);
            return new LockedFile(SmallFile.OpenRegular(path), path);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or SourceException)
        {
            throw new FileRefusedException(
                $"{role.At(path)} cannot be read: {Shown.Line(exception.Message).TrimEnd('.')}. Let this user read it, or leave it out."
            );
        }
    }

    private static SafeFileHandle OpenPatiently(string path, TimeSpan patience)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return OpenAlone(path);
            }
            // Another process has it open.
            catch (IOException exception) when (IsHeldByAnother(exception) && waiting.Elapsed < patience)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    private static SafeFileHandle OpenAlone(string path) =>
        OperatingSystem.IsLinux()
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

    /// <summary>What the file system would say less clearly, or would not mind.</summary>
    private static void Check(string path, FileRole role)
    {
        if (path.Contains('\0'))
            throw new FileRefusedException($"The path of the {role.Name} contains a NUL character.");

        switch (FileKinds.OfTarget(path))
        {
            case FileKind.Missing when FileKinds.Of(path) == FileKind.Link:
                throw new FileRefusedException(
                    $"{role.At(path)} is a symbolic link to nowhere. Correct the link, or give another file."
                );
            case FileKind.Missing
                when FolderOf(path) is var folder && FileKinds.OfTarget(folder) == FileKind.Missing:
                throw new FileRefusedException(
                    $"{role.At(path)} cannot be made: there is no folder {Quote(folder)}."
                );
            case var kind and not (FileKind.File or FileKind.Missing or FileKind.Unknown):
                throw new FileRefusedException(
                    $"{role.At(path)} is {kind.InWords()}. {role.Advice("Give a regular file")}"
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

    private static FileRefusedException Refuse(string path, FileRole role, Exception exception) =>
        new(
            exception switch
            {
                UnauthorizedAccessException => $"{role.At(path)} may not be written by this user.",
                _ when IsHeldByAnother(exception) =>
                    $"{role.At(path)} is in use by another process. Wait for it, or give another file.",
                _ => $"{role.At(path)} cannot be opened: {Shown.Line(exception.Message)}",
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
