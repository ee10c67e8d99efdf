using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export;

/// <summary>
/// A folder that artifacts lie below (<see cref="ExportArtifact.Root"/>), such as the output folder of a cell that is
/// not trusted. No symbolic link below it is followed, also not one that replaces a folder while the export runs. On
/// Linux it is opened once: its files are those of the folder that was opened, whatever happens to the path. Dispose
/// of it when the exports have ended.
/// </summary>
public sealed class ExportRoot : IDisposable
{
    private ExportRoot(string path, SafeFileHandle? handle)
    {
        Path = path;
        Handle = handle;
    }

    /// <summary>The path, as it was given.</summary>
    public string Path { get; }

    /// <summary>The folder that was opened; null on other systems than Linux.</summary>
    internal SafeFileHandle? Handle { get; }

    /// <summary>Opens a folder. The path may lead through symbolic links, and may be one.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">There is no such folder, or it cannot be opened.</exception>
    public static ExportRoot Open(string path) => Open(path, followLink: true);

    /// <summary>The same; a path that is itself a symbolic link may be rejected.</summary>
    internal static ExportRoot Open(string path, bool followLink)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (OperatingSystem.IsLinux())
                return new ExportRoot(path, LinuxFile.OpenFolder(path, followLink));
            if (!followLink && File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint))
                throw SourceException.Link(path);
            return Directory.Exists(path)
                ? new ExportRoot(path, null)
                : throw SourceException.NotAFolder(path);
        }
        catch (SourceException exception)
        {
            throw new IOException(
                $"{char.ToUpperInvariant(exception.Message[0])}{exception.Message[1..]}.",
                exception
            );
        }
    }

    /// <summary>
    /// The absolute paths that lead to the folder: the given one, and on Linux the one without symbolic links.
    /// </summary>
    internal IEnumerable<string> AbsolutePaths()
    {
        yield return System.IO.Path.IsPathRooted(Path)
            ? Path
            : System.IO.Path.Join(Environment.CurrentDirectory, Path);
        if (
            Handle is not null
            && new FileInfo($"/proc/self/fd/{Handle.DangerousGetHandle()}").LinkTarget is { } real
        )
            yield return real;
    }

    /// <inheritdoc />
    public void Dispose() => Handle?.Dispose();
}
