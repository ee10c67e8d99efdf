using System.Text;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Streams;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Verifying.Page;

/// <summary>
/// The file of a page. It is written beside its name, flushed to disk, and renamed, so that under its name is a complete page or what was
/// there before. Unless it was completed, nothing of it stays.
/// </summary>
internal sealed class PageFile : IDisposable
{
    private readonly string _path;
    private readonly string _draft;
    private readonly FileStream _stream;
    private bool _isComplete;

    private PageFile(string path, string draft, FileStream stream)
    {
        _path = path;
        _draft = draft;
        _stream = stream;
    }

    /// <summary>Makes the file, under another name: what keeps it from being written is known before the work begins.</summary>
    /// <param name="path">Where the page will be.</param>
    /// <param name="arguments">The command, whose inputs it must not replace.</param>
    /// <exception cref="RefusedException">It cannot be written there.</exception>
    internal static PageFile Open(string path, VerifyArguments arguments)
    {
        Require(path, arguments);
        var folder = FolderOf(path);
        var draft = Path.Join(folder, $".{Tool.Name}-{Guid.NewGuid():N}.tmp");
        try
        {
            return new PageFile(
                path,
                draft,
                new FileStream(draft, FileMode.CreateNew, FileAccess.Write, FileShare.None)
            );
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                $"--html: {Quote(path)} cannot be written: {Reason(exception)}. Give a file in a folder that this user may write to."
            );
        }
    }

    private static void Require(string path, VerifyArguments arguments)
    {
        if (Path.EndsInDirectorySeparator(path) || FileKinds.Of(path) is FileKind.Folder)
            throw new RefusedException($"--html: {Quote(path)} is a folder. Give a file in it.");
        if (FileKinds.Of(path) is var kind and not (FileKind.File or FileKind.Missing))
            throw new RefusedException(
                $"--html: {Quote(path)} is {kind.InWords()}. Give a regular file, or a name that is free."
            );
        if (new OwnFiles(new CommandFiles(OtherReceipts: arguments.Files)).NameOf(path) is not null)
            throw new RefusedException(
                $"--html: {Quote(path)} is a file that this command reads or writes otherwise, and would be replaced. Give another file."
            );
        if (arguments.Bundle is { } bundle && IsBelow(FolderOf(path), bundle))
            throw new RefusedException(
                $"--html: {Quote(path)} lies in the bundle, where it would be taken for evidence. Give a file outside of it."
            );
    }

    /// <summary>True if one folder is the other, or lies below it, whatever the paths look like.</summary>
    private static bool IsBelow(string folder, string other)
    {
        var sought = FileIdentity.OfTarget(other);
        var identity = FileIdentity.OfTarget(folder);
        while (identity is not null && identity != sought)
        {
            folder = Path.Join(folder, "..");
            var parent = FileIdentity.OfTarget(folder);
            if (parent == identity)
                return false;
            identity = parent;
        }

        return identity is not null;
    }

    private static string FolderOf(string path) =>
        Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".";

    /// <summary>Writes the page, and gives it its name.</summary>
    /// <param name="write">Writes its text.</param>
    /// <exception cref="LostOutputException">It could not be written.</exception>
    internal void Complete(Action<TextWriter> write)
    {
        try
        {
            using (var text = new StreamWriter(_stream, new UTF8Encoding(false), 64 * 1024, leaveOpen: true))
                write(text);
            if (OperatingSystem.IsLinux())
                LinuxPath.Flush(_stream.SafeFileHandle);
            else
                _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            File.Move(_draft, _path, overwrite: true);
            _isComplete = true;
            if (OperatingSystem.IsLinux())
                LinuxPath.FlushFolder(FolderOf(_path));
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or ArgumentOutOfRangeException { ParamName: "value" }
            )
        {
            throw new LostOutputException($"The page {Quote(_path)}", Reason(exception));
        }
    }

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        finally
        {
            if (!_isComplete)
                File.Delete(_draft);
        }
    }

    private static string Quote(string path) => $"'{Shown.Short(200, path)}'";

    private static string Reason(Exception exception) =>
        // .NET's word for EFBIG, which a file has from a limit of the process or of its file system.
        exception is ArgumentOutOfRangeException
            ? "it is larger than a file may be here"
            : Shown.Line(exception.Message).TrimEnd('.');
}
