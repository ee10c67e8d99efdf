using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Files;

/// <summary>
/// Which file a path leads to, whatever the path looks like: by links, through folders that are links, or as another
/// name of the same file. Elsewhere than on Linux, the full path.
/// </summary>
internal static class FileIdentity
{
    /// <summary>What a path leads to, by a link too; null for nothing that can be seen.</summary>
    internal static string? OfTarget(string path) =>
        OperatingSystem.IsLinux()
            ? LinuxPath.Identity(path, follow: true)?.ToString()
            : Path.GetFullPath(path);

    /// <summary>The file that was opened at a path.</summary>
    /// <exception cref="IOException">The system does not report it.</exception>
    internal static string OfOpen(SafeFileHandle handle, string path) =>
        OperatingSystem.IsLinux() ? LinuxPath.Identity(handle).ToString() : Path.GetFullPath(path);

    /// <summary>What a path leads to, a link at its end not followed; null for nothing that can be seen.</summary>
    internal static string? OfFile(string path) =>
        OperatingSystem.IsLinux()
            ? LinuxPath.Identity(path, follow: false)?.ToString()
            : Path.GetFullPath(path);
}
