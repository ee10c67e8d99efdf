using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Files;

/// <summary>What a path leads to, a link at its end not followed.</summary>
internal enum FileKind
{
    /// <summary>Nothing, or nothing that this user may see.</summary>
    Missing = 0,
    File,
    Folder,
    Link,
    Pipe,
    Socket,
    Device,

    /// <summary>
    /// A file that is open somewhere and has no name any more, at the end of a link such as <c>/dev/fd/3</c>. A file that
    /// a path itself leads to has a name, even if the file system counts none, as for the target of a bind mount whose
    /// source was replaced.
    /// </summary>
    Deleted,

    /// <summary>There is something, and what it is could not be found out.</summary>
    Unknown,
}

/// <summary>What a path leads to.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Stamp">The stamp; null if there is nothing, or on other systems than Linux.</param>
internal readonly record struct FileLook(FileKind Kind, FileStamp? Stamp = null)
{
    /// <summary>The length of a file in bytes; 0 for everything else.</summary>
    internal long Length => Kind == FileKind.File && Stamp is { } stamp ? stamp.Length : 0;
}

/// <summary>Looks at paths. Nothing is opened, so a pipe cannot make the caller wait.</summary>
internal static class FileKinds
{
    internal static FileKind Of(string path) => Look(path).Kind;

    /// <summary>The kind of what a path leads to, by symbolic links too.</summary>
    internal static FileKind OfTarget(string path)
    {
        if (OperatingSystem.IsLinux())
            return LinuxPath.Look(path, follow: true).Kind;

        return OfAttributes(path) is var kind and not FileKind.Link ? kind
            : File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target
                ? OfAttributes(target.FullName)
            : FileKind.Unknown;
    }

    /// <summary>Returns what a path leads to, a link not followed.</summary>
    internal static FileLook Look(string path)
    {
        if (OperatingSystem.IsLinux())
            return LinuxPath.Look(path);

        var kind = OfAttributes(path);
        return kind == FileKind.File && new FileInfo(path) is { Exists: true } file
            ? new FileLook(kind, new FileStamp(file.Length, file.LastWriteTimeUtc.Ticks, 0, default))
            : new FileLook(kind);
    }

    /// <summary>Returns what a path below a root leads to, a link at its end not followed.</summary>
    internal static FileLook Look(ExportRoot root, string path) =>
        OperatingSystem.IsLinux() ? LinuxPath.Look(root.Handle!, path) : Look(Path.Join(root.Path, path));

    /// <summary>With its article, for a sentence.</summary>
    internal static string InWords(this FileKind kind) =>
        kind switch
        {
            FileKind.File => "a file",
            FileKind.Folder => "a folder",
            FileKind.Link => "a symbolic link",
            FileKind.Pipe => "a pipe",
            FileKind.Socket => "a socket",
            FileKind.Device => "a device",
            FileKind.Deleted => "a file that has been deleted",
            _ => "something else",
        };

    /// <summary>The nearest that .NET comes: it tells a pipe from a file nowhere.</summary>
    private static FileKind OfAttributes(string path)
    {
        try
        {
            var attributes = File.GetAttributes(path);
            return attributes.HasFlag(FileAttributes.ReparsePoint) ? FileKind.Link
                : attributes.HasFlag(FileAttributes.Directory) ? FileKind.Folder
                : attributes.HasFlag(FileAttributes.Device) ? FileKind.Device
                : FileKind.File;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return FileKind.Missing;
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return FileKind.Unknown;
        }
    }
}
