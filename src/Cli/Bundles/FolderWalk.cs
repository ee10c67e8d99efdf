using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>Gathers files from PATHs and from the folders below them. Whatever is wrong with one, the rest is seen.</summary>
internal sealed class FolderWalk
{
    /// <summary>
    /// The roots by their paths, opened when they were first met: what is listed below one is opened below it later. They
    /// are open until the process ends.
    /// </summary>
    private readonly Dictionary<string, ExportRoot> _roots = [];

    internal List<BundleFile> Files { get; } = [];

    internal List<string> Notes { get; } = [];

    internal List<string> Problems { get; } = [];

    internal void Add(string path)
    {
        // A slash at the end would follow a link.
        var bare = path;
        while (Path.EndsInDirectorySeparator(bare) && bare != Path.GetPathRoot(bare))
            bare = bare[..^1];

        var (kind, length) = FileKinds.Look(bare);
        switch (kind)
        {
            case FileKind.File:
                if (Root(Path.GetDirectoryName(bare) is { Length: > 0 } folder ? folder : ".") is { } parent)
                    AddFile(new SourcePath(Path.GetFileName(bare), parent), length);
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
                Problems.Add($"{Quote(path)} is {kind.InWords()}, not a file or a folder.");
                break;
        }
    }

    /// <summary>Folders are taken from a list, not by recursion: nobody knows how deep they go.</summary>
    private void AddFolder(ExportRoot root)
    {
        var folders = new Stack<string[]>([
            [],
        ]);
        var count = Files.Count;
        var left = false;
        while (folders.TryPop(out var folder))
        {
            foreach (var entry in List(root, folder))
            {
                string[] names = [.. folder, entry.Name];
                var source = new SourcePath(string.Join('/', names), root);
                var path = Quote(source.Full);
                switch (entry.Kind)
                {
                    case var _ when !entry.IsText:
                        Problems.Add(
                            $"The name of {path} is not valid UTF-8, so it cannot be an artifact's name. Rename it."
                        );
                        break;
                    case FileKind.File:
                        AddFile(source, entry.Length);
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
                        left = true;
                        Notes.Add($"{path} is {entry.Kind.InWords()}; it is left out.");
                        break;
                }
            }
        }

        if (Files.Count == count && !left && Problems.Count == 0)
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
        try
        {
            return FolderEntry.List(root, folder);
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
            return [];
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
