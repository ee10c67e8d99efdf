using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;
using static CellOS.Export.S3.Files.Errno;
using static CellOS.Export.S3.Files.OpenFlags;

namespace CellOS.Export.S3.Local;

/// <summary>
/// The folder of one cell below the export folder, opened once. Names in it are looked up in the folder that was opened,
/// whatever becomes of its path, and no link in it is followed.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed partial class CellFolder : IDisposable
{
    /// <summary>The permissions of new folders: all for their owner, nothing for others.</summary>
    private const int OwnersFolder = 0x1c0;

    /// <summary>The permissions of new files: read and write for their owner, nothing for others.</summary>
    private const int OwnersFile = 0x180;

    /// <summary>RENAME_NOREPLACE of renameat2(2).</summary>
    private const uint NoReplace = 1;

    private readonly SafeFileHandle _handle;

    /// <summary>The path of the folder, for messages.</summary>
    private readonly string _path;

    private CellFolder(SafeFileHandle handle, string path) => (_handle, _path) = (handle, path);

    [LibraryImport(
        "libc",
        EntryPoint = "mkdirat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int MakeFolder(SafeFileHandle folder, string name, int mode);

    [LibraryImport(
        "libc",
        EntryPoint = "unlinkat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int RemoveName(SafeFileHandle folder, string name, int flags);

    [LibraryImport(
        "libc",
        EntryPoint = "renameat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName);

    [LibraryImport(
        "libc",
        EntryPoint = "renameat2",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int Rename(
        SafeFileHandle from,
        string name,
        SafeFileHandle to,
        string newName,
        uint flags
    );

    [LibraryImport(
        "libc",
        EntryPoint = "linkat",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int AddName(
        SafeFileHandle from,
        string name,
        SafeFileHandle to,
        string newName,
        int flags
    );

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int SetMode(SafeFileHandle handle, int mode);

    /// <summary>AT_REMOVEDIR of unlinkat(2).</summary>
    private const int WholeFolder = 0x200;

    /// <summary>Opens the folder of a cell, and makes it and the export folder if they are not there.</summary>
    /// <param name="root">The export folder; it may be a symbolic link.</param>
    /// <param name="cell">The name of the cell's folder, which may not be one.</param>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    internal static CellFolder Open(string root, string cell)
    {
        using var above = OpenRoot(root);
        return OpenIn(above, root, cell);
    }

    /// <summary>The same in an export folder that is open.</summary>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    internal static CellFolder OpenIn(SafeFileHandle above, string root, string cell)
    {
        var path = Path.Join(root, cell);
        if (MakeFolder(above, cell, OwnersFolder) == 0)
            Flush(above, root);
        else if (Marshal.GetLastPInvokeError() is var error && error != Exists)
            throw FolderFaultException.Of(error, path);

        return TryOpenIn(above, root, cell) ?? throw FolderFaultException.Of(NoEntry, path);
    }

    /// <summary>Opens the folder if it is there; null if it is not.</summary>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    internal static CellFolder? TryOpenIn(SafeFileHandle above, string root, string cell)
    {
        var path = Path.Join(root, cell);
        var descriptor = LinuxFile.OpenIn(
            above,
            cell,
            LinuxFile.FolderFlag | LinuxFile.NoFollowFlag | CloseOnExec | LinuxFile.LargeFile,
            0
        );
        if (descriptor >= 0)
            return new CellFolder(new SafeFileHandle(descriptor, ownsHandle: true), path);

        var refused = Marshal.GetLastPInvokeError();
        if (refused == NoEntry)
            return null;
        throw refused == NotADirectory
        && LinuxStatus.TryGet(above, cell) is { Type: LinuxStatus.SymbolicLink }
            ? FolderFaultException.Of(TooManyLinks, path)
            : FolderFaultException.Of(refused, path);
    }

    /// <summary>Opens a regular file for reading; null if there is nothing of this name.</summary>
    /// <exception cref="FolderFaultException">It is something else, or cannot be opened.</exception>
    internal SafeFileHandle? TryOpen(string name)
    {
        var descriptor = LinuxFile.OpenIn(
            _handle,
            name,
            LinuxFile.NoFollowFlag | NonBlocking | CloseOnExec | NoControllingTerminal | LinuxFile.LargeFile,
            0
        );
        if (descriptor < 0)
            return Marshal.GetLastPInvokeError() is var error && error == NoEntry
                ? null
                : throw FolderFaultException.Of(error, Path.Join(_path, name));

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (LinuxStatus.Of(handle).Type == LinuxStatus.RegularFile)
            return handle;

        handle.Dispose();
        throw FolderFaultException.Of(Exists, Path.Join(_path, name));
    }

    /// <summary>
    /// Opens a new temporary file, locked against other pushes of the same artifact; null if another one is at it. What a
    /// crash left behind is emptied, or removed if it has another name as well.
    /// </summary>
    /// <exception cref="FolderFaultException">It cannot be made.</exception>
    internal SafeFileHandle? TryOpenTemporary(string name)
    {
        while (true)
        {
            var descriptor = OpenOwn(_handle, name);
            if (descriptor < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                // A link under the name of a temporary file belongs to no push.
                if (error == TooManyLinks && RemoveName(_handle, name, 0) == 0)
                    continue;
                throw FolderFaultException.Of(error, Path.Join(_path, name));
            }

            var handle = new SafeFileHandle(descriptor, ownsHandle: true);
            var isOurs = false;
            try
            {
                if (!RangeLock.TryTake(handle))
                    return null;

                var opened = LinuxStatus.Of(handle);
                if (opened.Type != LinuxStatus.RegularFile)
                    throw FolderFaultException.Of(Exists, Path.Join(_path, name));
                // The push that had it until now has given it its own name.
                if (LinuxStatus.TryGet(_handle, name) is not { } named || named.Stamp.Id != opened.Stamp.Id)
                    continue;
                if (opened.Links > 1)
                {
                    Remove(name);
                    continue;
                }

                if (SetMode(handle, OwnersFile) != 0)
                    throw FolderFaultException.Of(Marshal.GetLastPInvokeError(), Path.Join(_path, name));
                RandomAccess.SetLength(handle, 0);
                isOurs = true;
                return handle;
            }
            finally
            {
                if (!isOurs)
                    handle.Dispose();
            }
        }
    }

    /// <summary>Gives a file its own name.</summary>
    /// <param name="temporary">The name that it has.</param>
    /// <param name="name">The name that it gets.</param>
    /// <param name="replace">True if the file that has the name is replaced.</param>
    /// <returns>False if another file has the name and is not replaced.</returns>
    /// <exception cref="FolderFaultException">It cannot be done.</exception>
    internal bool TryRename(string temporary, string name, bool replace)
    {
        if (replace)
            return Rename(_handle, temporary, _handle, name) == 0
                ? true
                : throw FolderFaultException.Of(Marshal.GetLastPInvokeError(), Path.Join(_path, name));
        if (Rename(_handle, temporary, _handle, name, NoReplace) == 0)
            return true;

        var error = Marshal.GetLastPInvokeError();
        // A file system without that call: a second name does not replace a file either.
        if (error is Invalid or NoSystemCall or PermissionDenied)
        {
            if (AddName(_handle, temporary, _handle, name, 0) == 0)
            {
                Remove(temporary);
                return true;
            }

            error = Marshal.GetLastPInvokeError();
        }

        return error == Exists ? false : throw FolderFaultException.Of(error, Path.Join(_path, name));
    }

    /// <summary>Removes a name, if it is there.</summary>
    /// <exception cref="FolderFaultException">It cannot be removed.</exception>
    internal void Remove(string name)
    {
        if (RemoveName(_handle, name, 0) != 0 && Marshal.GetLastPInvokeError() is var error and not NoEntry)
            throw FolderFaultException.Of(error, Path.Join(_path, name));
    }

    /// <summary>Removes a temporary file if it can be removed; the next push of the artifact replaces it if not.</summary>
    internal void Forget(string temporary) => _ = RemoveName(_handle, temporary, 0);

    /// <summary>Returns when the names in the folder are on disk.</summary>
    /// <exception cref="FolderFaultException">It could not be done.</exception>
    internal void Flush() => Flush(_handle, _path);

    /// <summary>Returns the names in the folder.</summary>
    /// <exception cref="FolderFaultException">It cannot be listed.</exception>
    internal string[] Names() => NamesIn(_handle, _path);

    /// <summary>Returns the names in an open folder.</summary>
    /// <exception cref="FolderFaultException">It cannot be listed.</exception>
    internal static string[] NamesIn(SafeFileHandle folder, string path)
    {
        try
        {
            return
            [
                .. Directory
                    .EnumerateFileSystemEntries($"/proc/self/fd/{folder.DangerousGetHandle()}")
                    .Select(entry => Path.GetFileName(entry)),
            ];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FolderFaultException.From(exception, path);
        }
    }

    /// <summary>Opens a file in an open folder for its owner alone, and makes it if it is not there. No link is followed.</summary>
    /// <returns>The descriptor; negative if that failed, and the system's last error says why.</returns>
    internal static int OpenOwn(SafeFileHandle folder, string name) =>
        LinuxFile.OpenIn(
            folder,
            name,
            ReadWrite
                | Create
                | LinuxFile.NoFollowFlag
                | NonBlocking
                | CloseOnExec
                | NoControllingTerminal
                | LinuxFile.LargeFile,
            OwnersFile
        );

    /// <summary>Returns the status of a name; null if there is nothing of it.</summary>
    internal LinuxStatus.Statx? StatusOf(string name) => LinuxStatus.TryGet(_handle, name);

    /// <summary>Removes an empty folder, if it is there and empty.</summary>
    internal static void ForgetFolder(SafeFileHandle above, string name) =>
        _ = RemoveName(above, name, WholeFolder);

    public void Dispose() => _handle.Dispose();

    /// <summary>Opens an export folder, and makes what is missing of it.</summary>
    /// <exception cref="FolderFaultException">It cannot be used.</exception>
    private static SafeFileHandle OpenRoot(string root)
    {
        try
        {
            // Folders on the way that are there stay as they are.
            Directory.CreateDirectory(root, (UnixFileMode)OwnersFolder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw FolderFaultException.From(exception, root);
        }

        try
        {
            return LinuxFile.OpenToList(root);
        }
        catch (SourceException exception)
        {
            throw new FolderFaultException(
                new Core.FolderFault(Core.FolderFaultKind.Denied, exception.Message, false)
            );
        }
    }

    /// <summary>Returns when the names in an open folder are on disk.</summary>
    /// <exception cref="FolderFaultException">It could not be done.</exception>
    internal static void Flush(SafeFileHandle folder, string path)
    {
        try
        {
            LinuxPath.FlushFolder(folder);
        }
        catch (IOException exception)
        {
            throw FolderFaultException.From(exception, path);
        }
    }
}
