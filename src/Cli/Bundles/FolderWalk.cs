using System.IO.Enumeration;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>Gathers files from PATHs and from the folders below them. Whatever is wrong with one, the rest is seen.</summary>
internal sealed class FolderWalk
{
    /// <summary>A file system tells what it left out of a listing by nothing, so all is listed.</summary>
    private static readonly EnumerationOptions All = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        MatchType = MatchType.Simple,
        ReturnSpecialDirectories = false,
    };

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
                AddFile(Path.GetFileName(bare), bare, length);
                break;
            case FileKind.Folder:
                AddFolder(bare);
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
    private void AddFolder(string root)
    {
        var folders = new Stack<(string Path, string Prefix)>([(root, "")]);
        var count = Files.Count;
        var left = false;
        while (folders.TryPop(out var folder))
        {
            foreach (var (name, path) in List(folder.Path))
            {
                var (kind, length) = FileKinds.Look(path);
                switch (kind)
                {
                    case FileKind.File:
                        AddFile(folder.Prefix + name, path, length);
                        break;
                    case FileKind.Folder:
                        folders.Push((path, folder.Prefix + name + "/"));
                        break;
                    case FileKind.Missing when name.Contains('\ufffd'):
                        Problems.Add(
                            $"The name of {Quote(path)} is no UTF-8, so it cannot be an artifact's name."
                        );
                        break;
                    case FileKind.Missing:
                        Problems.Add(
                            $"{Quote(path)} was there, and is gone. Export when nothing writes there any more."
                        );
                        break;
                    case FileKind.Unknown:
                        Problems.Add($"{Quote(path)} cannot be looked at.");
                        break;
                    default:
                        left = true;
                        Notes.Add($"{Quote(path)} is {kind.InWords()}; it is left out.");
                        break;
                }
            }
        }

        if (Files.Count == count && !left && Problems.Count == 0)
            Notes.Add($"There is no file in {Quote(root)}.");
    }

    private List<(string Name, string Path)> List(string path)
    {
        try
        {
            var names = new FileSystemEnumerable<string>(
                path,
                (ref FileSystemEntry entry) => entry.FileName.ToString(),
                All
            );
            return [.. names.Select(name => (name, Path.Join(path, name)))];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Problems.Add(
                exception is UnauthorizedAccessException
                    ? $"The folder {Quote(path)} may not be read by this user."
                    : $"The folder {Quote(path)} cannot be read: {exception.Message}"
            );
            return [];
        }
    }

    private void AddFile(string name, string path, long length)
    {
        var checkedName = ArtifactNameModule.Create(name);
        if (checkedName.IsOk)
            Files.Add(new BundleFile(name, path, length));
        else
            Problems.Add(
                $"The file {Quote(path)} cannot be exported under its name. {checkedName.ErrorValue.Message}"
            );
    }

    private static string Quote(string path) => $"'{Shown.Short(200, path)}'";
}
