using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Spooling;

/// <summary>
/// The folder of a spool, opened once. It belongs to the user of this process, who alone may write to it, and is not a
/// symbolic link. Each artifact has a folder in it, its entry; <see cref="SpoolEntry"/> has the names.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class SpoolFolder : IDisposable
{
    /// <summary>The place of the drain in the lock file.</summary>
    private const long DrainPlace = 0;

    /// <summary>The time between two looks at a place that another holder has.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a place may stay locked whose process has ended: a child that starts at the time holds all open files.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly SafeFileHandle _handle;

    private SpoolFolder(SafeFileHandle handle, string path) => (_handle, Path) = (handle, path);

    /// <summary>The absolute path, for messages and for reading.</summary>
    internal string Path { get; }

    /// <summary>Opens a spool, and makes its folder if it is not there.</summary>
    /// <exception cref="SpoolRefusedException">It cannot be used.</exception>
    internal static SpoolFolder Open(string path)
    {
        var above = Missing(path);
        try
        {
            // Folders that are there stay as they are.
            Directory.CreateDirectory(
                path,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
        }
        // A link without a target, or a file, is reported by what follows.
        catch (IOException) when (LinuxPath.Look(Trimmed(path)).Kind is not FileKind.Missing) { }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable(exception.Message));
        }

        try
        {
            // The name of a new folder is on disk when the folder above it is.
            foreach (var folder in above)
                LinuxPath.FlushFolder(folder);
        }
        catch (IOException exception)
        {
            throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable(exception.Message));
        }

        return TryOpen(path)
            ?? throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable("it was removed"));
    }

    /// <summary>Opens a spool that is there; null if it is not.</summary>
    /// <exception cref="SpoolRefusedException">It cannot be used.</exception>
    internal static SpoolFolder? TryOpen(string path)
    {
        var folder = Trimmed(path);
        var kind = LinuxPath.Look(folder).Kind;
        if (kind == FileKind.Missing)
            return null;
        if (kind == FileKind.Link)
            throw SpoolRefusedException.Of(path, SpoolFolderFault.Link);

        SafeFileHandle handle;
        try
        {
            handle = LinuxFile.OpenToList(folder, followLink: false);
        }
        catch (SourceException exception)
        {
            throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable(exception.Message));
        }

        LinuxStatus.Statx status;
        try
        {
            status = LinuxStatus.Of(handle);
        }
        catch (IOException exception)
        {
            handle.Dispose();
            throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable(exception.Message));
        }

        var fault =
            status.Owner != LinuxPath.EffectiveUser() ? SpoolFolderFault.OfAnotherUser
            : status.IsWritableByOthers ? SpoolFolderFault.WritableByOthers
            : null;
        if (fault is null)
            return new SpoolFolder(handle, folder);
        handle.Dispose();
        throw SpoolRefusedException.Of(path, fault);
    }

    /// <summary>Returns the names of the entries, in their order.</summary>
    /// <exception cref="FolderFaultException">The folder cannot be listed.</exception>
    internal IReadOnlyList<string> Entries() =>
        [.. Names().Where(SpoolEntry.IsName).Order(StringComparer.Ordinal)];

    /// <summary>Returns the names of what is in the folder and is no entry.</summary>
    /// <exception cref="FolderFaultException">The folder cannot be listed.</exception>
    internal IReadOnlyList<string> Others() =>
        [.. Names().Where(name => name != SpoolEntry.LockFile && !SpoolEntry.IsName(name))];

    /// <summary>Which folder it is, whatever its path is.</summary>
    /// <exception cref="IOException">The system does not report it.</exception>
    internal FileId Identity => LinuxPath.Identity(_handle);

    /// <summary>
    /// Returns the bytes that the complete copies of all entries have together. Entries that end meanwhile may be missing.
    /// </summary>
    internal long UsedBytes()
    {
        var sum = 0L;
        foreach (var name in Entries())
        {
            using var entry = TryOpenEntry(name);
            foreach (var file in entry?.Names() ?? [])
                if (SpoolEntry.IsContent(file) && entry!.StatusOf(file) is { } status)
                    sum += status.Stamp.Length;
        }

        return sum;
    }

    /// <summary>Opens the folder of an entry, and makes it if it is not there.</summary>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    internal CellFolder OpenEntry(string name) => CellFolder.OpenIn(_handle, Path, name);

    /// <summary>Opens the folder of an entry; null if it is not there.</summary>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    internal CellFolder? TryOpenEntry(string name) => CellFolder.TryOpenIn(_handle, Path, name);

    /// <summary>True if there is something under the name of an entry.</summary>
    internal bool Has(string name) => LinuxStatus.TryGet(_handle, name) is not null;

    /// <summary>Removes the folder of an entry that has no file any more.</summary>
    internal void ForgetEntry(string name) => CellFolder.ForgetFolder(_handle, name);

    /// <summary>Returns when the names of the entries are on disk.</summary>
    /// <exception cref="FolderFaultException">It could not be done.</exception>
    internal void Flush() => CellFolder.Flush(_handle, Path);

    /// <summary>Waits until no other holder works at an entry.</summary>
    /// <exception cref="FolderFaultException">The lock file cannot be used.</exception>
    internal async Task<SpoolLock> LockAsync(string entry, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryLock(entry) is { } taken)
                return taken;
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes an entry; null if another holder works at it.</summary>
    /// <exception cref="FolderFaultException">The lock file cannot be used.</exception>
    internal SpoolLock? TryLock(string entry) => TryLock(SpoolEntry.LockPlace(entry));

    /// <summary>Takes the place of the drain.</summary>
    /// <exception cref="SpoolRefusedException">Another process has it.</exception>
    /// <exception cref="FolderFaultException">The lock file cannot be used.</exception>
    internal SpoolLock LockDrain()
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            if (TryLock(DrainPlace) is { } taken)
                return taken;
            if (waiting.Elapsed > Moment)
                throw SpoolRefusedException.Of(Path, SpoolFolderFault.Drained);
            Thread.Sleep(Pause);
        }
    }

    public void Dispose() => _handle.Dispose();

    private SpoolLock? TryLock(long place)
    {
        var descriptor = CellFolder.OpenOwn(_handle, SpoolEntry.LockFile);
        if (descriptor < 0)
            throw FolderFaultException.Of(
                Marshal.GetLastPInvokeError(),
                System.IO.Path.Join(Path, SpoolEntry.LockFile)
            );
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (RangeLock.TryTake(handle, place, 1))
            return new SpoolLock(handle);
        handle.Dispose();
        return null;
    }

    private string[] Names() => CellFolder.NamesIn(_handle, Path);

    /// <summary>The folders above those of a path that are not there, the highest first.</summary>
    private static List<string> Missing(string path)
    {
        var above = new List<string>();
        for (
            var folder = Trimmed(path);
            !Directory.Exists(folder) && System.IO.Path.GetDirectoryName(folder) is { Length: > 0 } parent;
            folder = parent
        )
            above.Insert(0, parent);
        return above;
    }

    /// <summary>The path without what would lead through a link at its end.</summary>
    private static string Trimmed(string path)
    {
        var trimmed = path;
        while (
            trimmed.Length > 1 && (trimmed.EndsWith('/') || trimmed.EndsWith("/.", StringComparison.Ordinal))
        )
            trimmed = trimmed[..^1];
        return trimmed;
    }
}
