using System.IO.Enumeration;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>The entries of a folder.</summary>
/// <param name="Entries">The entries.</param>
/// <param name="Stamp">The stamp of the folder, taken before its entries were read.</param>
/// <param name="IsSettled">True if a change after the listing changes the stamp of the folder.</param>
internal sealed record FolderListing(IReadOnlyList<FolderEntry> Entries, FileStamp Stamp, bool IsSettled)
{
    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        MatchType = MatchType.Simple,
        ReturnSpecialDirectories = false,
    };

    /// <summary>Lists a folder below a root. On Linux no folder on the way may be a symbolic link.</summary>
    /// <param name="root">The root.</param>
    /// <param name="folder">The names on the way; empty for the root itself.</param>
    /// <param name="now">The time now, by the clock that stamps files.</param>
    /// <exception cref="SourceException">There is no such folder, or it may not be opened.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    internal static FolderListing Read(ExportRoot root, IReadOnlyList<string> folder, DateTimeOffset now)
    {
        if (OperatingSystem.IsLinux())
            return LinuxFolder.List(LinuxFile.OpenForListing(root, [.. folder]), now);

        var path = Path.Join([root.Path, .. folder]);
        var stamp = PortableStamp(path);
        return new FolderListing(
            [
                .. new FileSystemEnumerable<string>(
                    path,
                    (ref FileSystemEntry entry) => entry.FileName.ToString(),
                    All
                ).Select(name => new FolderEntry(name, IsText: true, FileKinds.Look(Path.Join(path, name)))),
            ],
            stamp,
            stamp.IsSettled(now)
        );
    }

    /// <summary>True if the folder has the same names for the same files as in another listing.</summary>
    internal bool HasFilesOf(FolderListing other) => Files().SetEquals(other.Files());

    private HashSet<(string, FileId?)> Files() =>
        [.. Entries.Select(entry => (entry.Name, entry.Look.Stamp?.Id))];

    /// <summary>Returns the stamp that the folder has now.</summary>
    /// <inheritdoc cref="Read" />
    internal static FileStamp StampNow(ExportRoot root, IReadOnlyList<string> folder)
    {
        if (!OperatingSystem.IsLinux())
            return PortableStamp(Path.Join([root.Path, .. folder]));

        using var handle = LinuxFile.OpenForListing(root, [.. folder]);
        return LinuxStatus.Of(handle).Stamp;
    }

    private static FileStamp PortableStamp(string path) =>
        new(0, Directory.GetLastWriteTimeUtc(path).Ticks, 0, default);
}
