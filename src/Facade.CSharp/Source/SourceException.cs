using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Source;

/// <summary>The file that is exported cannot be used, for a reason that the core knows.</summary>
internal sealed class SourceException(FaultKind kind, string message) : Exception(message)
{
    internal FaultKind Kind { get; } = kind;

    /// <summary>What the file system's exceptions say, in the core's words.</summary>
    internal static SourceException From(Exception exception, string path) =>
        exception switch
        {
            SourceException known => known,
            // First: a library that was not found is no missing file.
            _ when LocalFault.Describe(exception) is { } fault => new SourceException(
                FaultKind.LocalFault,
                $"the file {Shown(path)} could not be opened or read: {fault}"
            ),
            FileNotFoundException or DirectoryNotFoundException => NotFound(path),
            UnauthorizedAccessException => Denied(path),
            _ => new SourceException(
                FaultKind.SourceUnreadable,
                $"the file {Shown(path)} could not be read ({exception.GetType().Name}: {Redaction.Text(exception.Message)})"
            ),
        };

    internal static SourceException NotFound(string path) =>
        new(FaultKind.SourceNotFound, $"there is no file {Shown(path)}");

    internal static SourceException Denied(string path) =>
        new(FaultKind.SourceAccessDenied, $"the file {Shown(path)} may not be read by this user");

    internal static SourceException NotAFile(string path, string what) =>
        new(FaultKind.SourceNotAFile, $"{Shown(path)} is {what}, not a regular file");

    /// <summary>The path, which may be a URL that was given in the wrong place.</summary>
    private static string Shown(string path) => Redaction.Plain(path);

    /// <summary>A symbolic link where none is followed.</summary>
    internal static SourceException Link(string folder) =>
        new(
            FaultKind.SourceNotAFile,
            $"the folder {Shown(folder)} is a symbolic link, which may lead elsewhere"
        );

    internal static SourceException NotAFolder(string path) =>
        new(FaultKind.SourceNotFound, $"there is no folder {Shown(path)}");

    internal static SourceException DeniedFolder(string path) =>
        new(FaultKind.SourceAccessDenied, $"the folder {Shown(path)} may not be read by this user");

    internal static SourceException Outside(string path, string root) =>
        new(
            FaultKind.SourceNotAFile,
            $"{Shown(path)} is not a path below {Shown(root)}: it is absolute, or has an empty segment, '.' or '..'"
        );

    /// <summary>Another file has the name that was listed.</summary>
    internal static SourceException Replaced(string path) =>
        new(FaultKind.SourceChanged, $"the file {Shown(path)} was replaced by another after it was listed");

    /// <summary>The file has fewer bytes than when it was listed, for example because a log was rotated by copying.</summary>
    internal static SourceException ShrankSinceListed(string path, long listed, long now) =>
        new(
            FaultKind.SourceChanged,
            $"the file {Shown(path)} shrank from {listed} to {now} bytes after it was listed"
        );

    internal static SourceException Changed(string path, string how) =>
        new(FaultKind.SourceChanged, $"the file {Shown(path)} {how} while it was read");
}
