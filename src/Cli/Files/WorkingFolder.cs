using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>
/// The current folder. .NET replaces what is not valid UTF-8 in its path by U+FFFD, and completes relative paths with it,
/// so that a relative path may lead to another file than the one that was meant.
/// </summary>
internal static class WorkingFolder
{
    /// <summary>Returns a sentence if relative paths lead elsewhere; null if not.</summary>
    internal static string? Problem()
    {
        string path;
        try
        {
            path = Environment.CurrentDirectory;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return "The current folder is not there any more. Change to another one.";
        }

        return path.Contains('\ufffd') && FileIdentity.OfTarget(path) != FileIdentity.OfTarget(".")
            ? "The path of the current folder is not valid UTF-8. Rename the folder, or change to another one."
            : null;
    }
}
