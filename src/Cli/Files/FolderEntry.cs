using System.IO.Enumeration;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>An entry of a folder.</summary>
/// <param name="Name">The name.</param>
/// <param name="IsText">False if the name is not valid UTF-8; then it is for display only.</param>
/// <param name="Kind">The kind of what the name leads to, a link not followed.</param>
/// <param name="Length">The length of a file in bytes; 0 for everything else.</param>
internal readonly record struct FolderEntry(string Name, bool IsText, FileKind Kind, long Length)
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
    /// <exception cref="SourceException">There is no such folder, or it may not be opened.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    internal static IReadOnlyList<FolderEntry> List(ExportRoot root, IReadOnlyList<string> folder)
    {
        if (OperatingSystem.IsLinux())
            return LinuxFolder.List(LinuxFile.OpenForListing(root, [.. folder]));

        var path = Path.Join([root.Path, .. folder]);
        return
        [
            .. new FileSystemEnumerable<string>(
                path,
                (ref FileSystemEntry entry) => entry.FileName.ToString(),
                All
            ).Select(name =>
            {
                var (kind, length) = FileKinds.Look(Path.Join(path, name));
                return new FolderEntry(name, IsText: true, kind, length);
            }),
        ];
    }
}
