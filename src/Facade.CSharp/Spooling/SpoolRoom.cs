using System.Collections.Concurrent;
using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Spooling;

/// <summary>
/// The room in a spool that a copy takes while it is written. All sinks of this process that share the folder share its limit.
/// </summary>
internal sealed class SpoolRoom : IDisposable
{
    /// <summary>The folders of this process with a limit, by their identity: several paths may lead to one.</summary>
    private static readonly ConcurrentDictionary<FileId, Folder> Folders = new();

    private readonly Folder? _folder;
    private long _length;

    private SpoolRoom(Folder? folder, long length, Refusal? refusal) =>
        (_folder, _length, Refusal) = (folder, length, refusal);

    /// <summary>Why there is no room; null if there is.</summary>
    internal Refusal? Refusal { get; }

    /// <summary>Takes room for a copy, beside the copies in the folder and those that this process is writing.</summary>
    /// <exception cref="Local.FolderFaultException">The folder cannot be listed.</exception>
    [SupportedOSPlatform("linux")]
    internal static SpoolRoom Take(SpoolFolder spool, SpoolSettings settings, long length)
    {
        if (settings.MaxBytes is null)
            return new SpoolRoom(null, 0, null);
        var folder = Folders.GetOrAdd(spool.Identity, _ => new Folder());
        lock (folder)
        {
            if (
                SpoolPolicy.OnSize(settings, spool.UsedBytes() + folder.UnderWay, length) is
                { Value: var full }
            )
                return new SpoolRoom(null, 0, full);
            folder.UnderWay += length;
            return new SpoolRoom(folder, length, null);
        }
    }

    /// <summary>Gives the copy the name by which the folder counts it, so that it is counted once.</summary>
    internal void End(Action name)
    {
        if (_folder is null)
        {
            name();
            return;
        }

        lock (_folder)
        {
            name();
            Release(_folder);
        }
    }

    public void Dispose()
    {
        if (_folder is null)
            return;
        lock (_folder)
        {
            Release(_folder);
        }
    }

    private void Release(Folder folder)
    {
        folder.UnderWay -= _length;
        _length = 0;
    }

    private sealed class Folder
    {
        /// <summary>The bytes of the copies that this process is writing.</summary>
        internal long UnderWay { get; set; }
    }
}
