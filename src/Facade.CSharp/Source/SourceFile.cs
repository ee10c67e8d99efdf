using CellOS.Export.S3.Core;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Source;

/// <summary>
/// The file that is exported: opened once, read from the same handle in every attempt, and guarded against change.
/// Cells are not trusted, and the host that exports may be root.
/// </summary>
internal sealed class SourceFile : IDisposable
{
    /// <summary>
    /// How much is asked for at once: a file system that is slow is seen to move, and left when the time is over.
    /// </summary>
    internal const int PartSize = 64 * 1024;

    /// <summary>Reads that are only tried go here; what comes is not looked at.</summary>
    private static readonly byte[] OneByte = new byte[1];

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly FileStamp _stamp;

    /// <summary>True if a change after the opening changes the stamp.</summary>
    private readonly bool _isSettled;
    private readonly Reader _read;
    private readonly Func<SafeFileHandle, string, FileStamp> _look;

    /// <summary>As <see cref="RandomAccess.Read(SafeFileHandle, Span{byte}, long)"/>.</summary>
    internal delegate int Reader(SafeFileHandle handle, Memory<byte> buffer, long offset);

    private SourceFile(
        SafeFileHandle handle,
        string path,
        Reader read,
        Func<SafeFileHandle, string, FileStamp> look,
        TimeProvider time
    )
    {
        _handle = handle;
        _path = path;
        _read = read;
        _look = look;
        var now = time.GetUtcNow();
        _stamp = Stamp(handle, path);
        _isSettled = _stamp.IsSettled(now);
    }

    /// <summary>The length in bytes when it was opened.</summary>
    internal long Length => _stamp.Length;

    /// <summary>
    /// Opens a regular file; no symbolic link, no folder, nothing that could make the caller wait. No folder between
    /// the root and the file is a symbolic link at that moment. A file that was listed is still the one that was listed, and
    /// has at least the length that it had then.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="read">What reads; the system if null.</param>
    /// <param name="look">What tells later whether it has changed; the system if null.</param>
    /// <param name="time">The clock that stamps files; the system's if null.</param>
    /// <exception cref="SourceException">It cannot be used.</exception>
    internal static SourceFile Open(
        SourcePath path,
        Reader? read = null,
        Func<SafeFileHandle, string, FileStamp>? look = null,
        TimeProvider? time = null
    )
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = OperatingSystem.IsLinux() ? LinuxFile.Open(path) : OpenPortably(path);
            var file = new SourceFile(
                handle,
                path.Full,
                read ?? ReadAt,
                look ?? Stamp,
                time ?? TimeProvider.System
            );
            if (path.Watch?.Stamp is { } listed)
            {
                if (listed.IsReplacedBy(file._stamp))
                    throw SourceException.Replaced(path.Full);
                // A log that grows is ordinary. One that shrank was emptied, and what it had may be nowhere any more.
                if (file.Length < listed.Length)
                    throw SourceException.ShrankSinceListed(path.Full, listed.Length, file.Length);
            }

            path.Watch?.Stamp = file._stamp;
            return file;
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            handle?.Dispose();
            throw SourceException.From(exception, path.Full);
        }
    }

    /// <summary>Reads exactly as many bytes as asked for, from the given offset. It may hang.</summary>
    /// <param name="buffer">Where they go.</param>
    /// <param name="offset">Where they begin.</param>
    /// <param name="moved">Told whenever some of them have come, and others are to come.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SourceException">Reading failed, or the file has become shorter.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal void Read(Memory<byte> buffer, long offset, Action moved, CancellationToken cancellationToken)
    {
        for (var filled = 0; filled < buffer.Length; )
        {
            if (filled > 0)
                moved();
            cancellationToken.ThrowIfCancellationRequested();
            var part = buffer[filled..];
            var read = ReadSome(part[..Math.Min(part.Length, PartSize)], offset + filled);
            if (read == 0)
                throw Shrank(offset + filled);
            filled += read;
        }
    }

    /// <summary>
    /// Makes sure that the file ends where it ended when it was opened, and holds what was read of it. Some file
    /// systems report another length than there is to read, so that is tried as well. A writer of a file may
    /// put its time stamp back, but not hide that something was changed: then the file is read once more. So is a file
    /// that was changed just before it was opened, since a change within the same step has the same stamp. A file that
    /// was renamed or deleted in the meantime is still the file that was opened. It may hang.
    /// </summary>
    /// <param name="digest">The digest of all that was read.</param>
    /// <param name="moved">Told of each piece that is read once more.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SourceException">The file has changed.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal void EnsureUnchanged(Digest digest, Action moved, CancellationToken cancellationToken)
    {
        var now = Look();
        if (now.Length != _stamp.Length)
            throw SourceException.Changed(
                _path,
                $"{(now.Length > _stamp.Length ? "grew" : "shrank")} from {_stamp.Length} to {now.Length} bytes"
            );
        if (now.Modified != _stamp.Modified)
            throw SourceException.Changed(_path, "was written to");
        if (ReadSome(OneByte, Length) != 0)
            throw SourceException.Changed(_path, $"had more than its {Length} bytes to read");
        if (
            (!_isSettled || now.Changed != _stamp.Changed)
            && !Read([digest.Algorithm], moved, cancellationToken)[0].Equals(digest)
        )
            throw SourceException.Changed(_path, "was rewritten");
    }

    /// <summary>
    /// Reads all of it, takes its digests in the order of the algorithms, and makes sure that it did not change meanwhile.
    /// It may hang.
    /// </summary>
    /// <param name="algorithms">The algorithms.</param>
    /// <param name="moved">Told of each part of <see cref="PartSize"/> that is read, which may be read once more.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SourceException">Reading failed, or the file has changed.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal IReadOnlyList<Digest> TakeDigests(
        IReadOnlyList<DigestAlgorithm> algorithms,
        Action moved,
        CancellationToken cancellationToken
    )
    {
        var digests = Read(algorithms, moved, cancellationToken);
        EnsureUnchanged(digests[0], moved, cancellationToken);
        return digests;
    }

    public void Dispose() => _handle.Dispose();

    /// <summary>What was read before may be gone as well by now.</summary>
    private SourceException Shrank(long end) =>
        SourceException.Changed(_path, $"shrank from {Length} to {Math.Min(end, Look().Length)} bytes");

    private IReadOnlyList<Digest> Read(
        IReadOnlyList<DigestAlgorithm> algorithms,
        Action moved,
        CancellationToken cancellationToken
    )
    {
        var hashers = algorithms.Select(Hasher.Create).ToArray();
        try
        {
            var buffer = new byte[(int)Math.Min(PartSize, Length)];
            for (var offset = 0L; offset < Length; )
            {
                var part = buffer.AsMemory(0, (int)Math.Min(buffer.Length, Length - offset));
                Read(part, offset, moved, cancellationToken);
                foreach (var hasher in hashers)
                    hasher.Append(part.Span);
                offset += part.Length;
                moved();
            }

            return [.. hashers.Select(hasher => hasher.Current())];
        }
        finally
        {
            foreach (var hasher in hashers)
                hasher.Dispose();
        }
    }

    private int ReadSome(Memory<byte> buffer, long offset)
    {
        try
        {
            return _read(_handle, buffer, offset);
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            throw SourceException.From(exception, _path);
        }
    }

    private FileStamp Look()
    {
        try
        {
            return _look(_handle, _path);
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            throw SourceException.From(exception, _path);
        }
    }

    private static int ReadAt(SafeFileHandle handle, Memory<byte> buffer, long offset) =>
        RandomAccess.Read(handle, buffer.Span, offset);

    /// <summary>What tells whether an open file has changed.</summary>
    internal static FileStamp Stamp(SafeFileHandle handle, string path) =>
        OperatingSystem.IsLinux()
            ? LinuxFile.Stamp(handle, path)
            : new FileStamp(
                RandomAccess.GetLength(handle),
                File.GetLastWriteTimeUtc(handle).Ticks,
                0,
                default
            );

    /// <summary>The nearest that .NET comes: what is not a regular file is refused by what its attributes say.</summary>
    private static SafeFileHandle OpenPortably(SourcePath source)
    {
        var path = source.Full;
        if (source.Root is { Path: var folder })
        {
            foreach (var segment in source.Segments()[..^1])
            {
                folder = Path.Join(folder, segment);
                if (File.GetAttributes(folder).HasFlag(FileAttributes.ReparsePoint))
                    throw SourceException.Link(folder);
            }
        }

        var attributes = File.GetAttributes(path);
        if (attributes.HasFlag(FileAttributes.ReparsePoint))
            throw SourceException.NotAFile(path, "a symbolic link");
        if (attributes.HasFlag(FileAttributes.Directory))
            throw SourceException.NotAFile(path, "a folder");
        if (attributes.HasFlag(FileAttributes.Device))
            throw SourceException.NotAFile(path, "a device");

        return File.OpenHandle(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete,
            FileOptions.Asynchronous | FileOptions.SequentialScan
        );
    }

    /// <summary>Such as a path that is no path at all (an empty one, one with a NUL in it).</summary>
    private static bool IsOfTheFileSystem(Exception exception) =>
        exception
            is IOException
                or UnauthorizedAccessException
                or ArgumentException
                or NotSupportedException
                or SourceException;
}
