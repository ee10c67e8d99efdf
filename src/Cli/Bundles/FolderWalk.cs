using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>Gathers files from PATHs and from the folders below them. Whatever is wrong with one, the rest is seen.</summary>
/// <param name="time">The clock that stamps files.</param>
internal sealed class FolderWalk(TimeProvider time)
{
    /// <summary>
    /// The roots by their paths, opened when they were first met: what is listed below one is opened below it later. They
    /// are open until the process ends.
    /// </summary>
    private readonly Dictionary<string, ExportRoot> _roots = [];

    /// <summary>The folders that were listed.</summary>
    private readonly List<Listed> _listed = [];

    /// <summary>A folder that was listed.</summary>
    /// <param name="Root">The root.</param>
    /// <param name="Folder">The names on the way from the root.</param>
    /// <param name="Stamp">The stamp that it had then.</param>
    /// <param name="Listing">The listing, if a later change may leave the stamp as it is; null if not.</param>
    /// <param name="Files">The digests of the entries, in ascending order.</param>
    private sealed record Listed(
        ExportRoot Root,
        string[] Folder,
        FileStamp Stamp,
        FolderListing? Listing,
        long[] Files
    )
    {
        internal string Path => System.IO.Path.Join([Root.Path, .. Folder]);
    }

    internal List<BundleFile> Files { get; } = [];

    internal List<string> LeftOut { get; } = [];

    internal List<string> Notes { get; } = [];

    internal List<string> Problems { get; } = [];

    internal void Add(string path)
    {
        // A slash at the end would follow a link.
        var bare = path;
        while (Path.EndsInDirectorySeparator(bare) && bare != Path.GetPathRoot(bare))
            bare = bare[..^1];

        var look = FileKinds.Look(bare);
        switch (look.Kind)
        {
            case FileKind.File:
                if (Root(Path.GetDirectoryName(bare) is { Length: > 0 } folder ? folder : ".") is { } parent)
                    AddFile(
                        new SourcePath(Path.GetFileName(bare), parent, new SourceWatch(look.Stamp)),
                        look.Length
                    );
                break;
            case FileKind.Folder:
                if (Root(bare, followLink: false) is { } root)
                    AddFolder(root);
                break;
            case FileKind.Missing:
                Problems.Add($"There is no file or folder {Quote(path)}.");
                break;
            case FileKind.Link:
                Problems.Add(
                    $"{Quote(path)} is a symbolic link, which is not followed. Give what it leads to."
                );
                break;
            case FileKind.Unknown:
                Problems.Add(
                    $"{Quote(path)} cannot be looked at; it may be in a folder that is not this user's."
                );
                break;
            default:
                Problems.Add($"{Quote(path)} is {look.Kind.InWords()}, not a file or a folder.");
                break;
        }
    }

    /// <summary>
    /// Reports the folders that have changed since they were listed: a file that moved from a folder not yet listed to
    /// one listed already is in neither listing.
    /// </summary>
    internal void End()
    {
        foreach (var listed in _listed)
        {
            if (
                Try(listed.Root, listed.Folder, (root, folder) => (bool?)HasChanged(listed, root, folder))
                is true
            )
                Problems.Add(
                    $"The folder {Quote(listed.Path)} changed while the files were listed. Export when nothing writes there any more."
                );
        }
    }

    private bool HasChanged(Listed listed, ExportRoot root, IReadOnlyList<string> folder)
    {
        if (
            listed.Listing is { } first
            && !first.HasFilesOf(FolderListing.Read(root, folder, time.GetUtcNow()))
        )
            return true;

        var now = FolderListing.StampNow(root, folder);
        return (now.Modified, now.Changed) != (listed.Stamp.Modified, listed.Stamp.Changed);
    }

    /// <summary>What to do about content that was not exported.</summary>
    internal const string Again = "Run the same command with --receipts FILE --resume to export it.";

    /// <summary>
    /// Returns a sentence if the paths of folders lead to other folders now, and one if folders have files that they did not
    /// have when they were listed. These files were not exported. A file that has been removed since is no loss: it has its
    /// receipt, or its failure.
    /// </summary>
    /// <param name="isKnown">True for the path of a file that this process has made, or that is reported already.</param>
    internal IReadOnlyList<string> ChangesSince(Func<string, bool> isKnown)
    {
        var replaced = _listed.Where(listed => listed.Folder.Length == 0 && IsReplaced(listed.Root)).ToList();
        var changed = _listed.Where(listed => HasNewFiles(listed, isKnown)).ToList();
        return
        [
            .. Say(
                replaced,
                "was replaced by another folder while the push ran: what is in that one is not exported"
            ),
            .. Say(changed, "changed while the push ran: a file that appeared there since is not exported"),
        ];

        static IEnumerable<string> Say(IReadOnlyCollection<Listed> folders, string what) =>
            folders.Count == 0
                ? []
                :
                [
                    $"The folder {ShownNames.First([.. folders.Select(folder => folder.Path)])} {what}. {Again}",
                ];
    }

    /// <summary>True if the path of a folder leads to another one now, or to something else; false if it leads nowhere.</summary>
    private static bool IsReplaced(ExportRoot root) =>
        OperatingSystem.IsLinux()
        && FileKinds.Look(root.Path) is { Kind: not FileKind.Missing } now
        && (now.Stamp is not { } stamp || LinuxStatus.Of(root.Handle!).Stamp.IsReplacedBy(stamp));

    private bool HasNewFiles(Listed listed, Func<string, bool> isKnown)
    {
        try
        {
            var now = FolderListing.StampNow(listed.Root, listed.Folder);
            if (
                listed.Listing is null
                && (now.Modified, now.Changed) == (listed.Stamp.Modified, listed.Stamp.Changed)
            )
                return false;

            return FolderListing
                .Read(listed.Root, listed.Folder, time.GetUtcNow())
                .Entries.Any(entry =>
                    Array.BinarySearch(listed.Files, entry.Digest) < 0
                    && !isKnown(Path.Join(listed.Path, entry.Name))
                );
        }
        // A folder that is gone has no file that was not exported.
        catch (Exception exception)
            when (exception is DirectoryNotFoundException or SourceException { Kind.IsSourceNotFound: true })
        {
            return false;
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or SourceException)
        {
            // It was there, and what it has now is not known.
            return true;
        }
    }

    /// <summary>Lists folders from a stack, not by recursion: their depth has no limit.</summary>
    private void AddFolder(ExportRoot root)
    {
        var folders = new Stack<string[]>([
            [],
        ]);
        var count = Files.Count;
        var leftOut = LeftOut.Count;
        while (folders.TryPop(out var folder))
        {
            foreach (var entry in List(root, folder))
            {
                string[] names = [.. folder, entry.Name];
                var look = entry.Look;
                var source = new SourcePath(string.Join('/', names), root, new SourceWatch(look.Stamp));
                var path = Quote(source.Full);
                switch (look.Kind)
                {
                    case var _ when !entry.IsText:
                        Problems.Add(
                            $"The name of {path} is not valid UTF-8, so it cannot be an artifact's name. Rename it."
                        );
                        break;
                    case FileKind.File:
                        AddFile(source, look.Length);
                        break;
                    case FileKind.Folder:
                        folders.Push(names);
                        break;
                    case FileKind.Missing:
                        Problems.Add(
                            $"{path} was there, and is gone. Export when nothing writes there any more."
                        );
                        break;
                    case FileKind.Unknown:
                        Problems.Add($"{path} cannot be looked at.");
                        break;
                    default:
                        LeftOut.Add($"{path} is {look.Kind.InWords()}; it is left out.");
                        break;
                }
            }
        }

        if (Files.Count == count && LeftOut.Count == leftOut && Problems.Count == 0)
            Notes.Add($"There is no file in {Quote(root.Path)}.");
    }

    private ExportRoot? Root(string path, bool followLink = true)
    {
        if (_roots.TryGetValue(path, out var known))
            return known;

        try
        {
            return _roots[path] = ExportRoot.Open(path, followLink);
        }
        catch (IOException exception)
        {
            Problems.Add(Shown.Line(exception.Message));
            return null;
        }
    }

    private IReadOnlyList<FolderEntry> List(ExportRoot root, string[] folder)
    {
        if (
            Try(root, folder, (at, names) => FolderListing.Read(at, names, time.GetUtcNow()))
            is not { } listing
        )
            return [];

        _listed.Add(
            new Listed(
                root,
                folder,
                listing.Stamp,
                listing.IsSettled ? null : listing,
                [.. listing.Entries.Select(entry => entry.Digest).Order()]
            )
        );
        return listing.Entries;
    }

    /// <summary>Returns null, and adds the problem, if the folder cannot be read.</summary>
    private T? Try<T>(ExportRoot root, string[] folder, Func<ExportRoot, IReadOnlyList<string>, T> read)
    {
        try
        {
            return read(root, folder);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or SourceException)
        {
            var path = Quote(Path.Join([root.Path, .. folder]));
            Problems.Add(
                exception
                    is UnauthorizedAccessException
                        or SourceException { Kind.IsSourceAccessDenied: true }
                    ? $"The folder {path} may not be read by this user."
                    : $"The folder {path} cannot be read: {Shown.Line(exception.Message).TrimEnd('.')}."
            );
            return default;
        }
    }

    private void AddFile(SourcePath source, long length)
    {
        var checkedName = ArtifactNameModule.Create(source.Path);
        if (checkedName.IsOk)
            Files.Add(new BundleFile(source.Path, source, length));
        else
            Problems.Add(
                $"The file {Quote(source.Full)} cannot be exported under its name. {checkedName.ErrorValue.Message}"
            );
    }

    private static string Quote(string path) => $"'{Shown.Short(200, path)}'";
}
