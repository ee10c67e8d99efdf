using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Source;

/// <summary>
/// The file that is exported: opened once, read from the same handle in every attempt, and guarded against change.
/// Cells are not trusted, and the host that exports may be root.
/// </summary>
internal sealed class SourceFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly FileStamp _stamp;
    private readonly Reader _read;
    private readonly Func<SafeFileHandle, string, FileStamp> _look;

    /// <summary>As <see cref="RandomAccess.ReadAsync(SafeFileHandle, Memory{byte}, long, CancellationToken)"/>.</summary>
    internal delegate ValueTask<int> Reader(
        SafeFileHandle handle,
        Memory<byte> buffer,
        long offset,
        CancellationToken cancellationToken
    );

    private SourceFile(
        SafeFileHandle handle,
        string path,
        Reader read,
        Func<SafeFileHandle, string, FileStamp> look
    )
    {
        _handle = handle;
        _path = path;
        _read = read;
        _look = look;
        _stamp = Stamp(handle, path);
    }

    /// <summary>The length in bytes when it was opened.</summary>
    internal long Length => _stamp.Length;

    /// <summary>Opens a regular file; no symbolic link, no folder, nothing that could make the caller wait.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">What reads; the system if null.</param>
    /// <param name="look">What tells later whether it has changed; the system if null.</param>
    /// <exception cref="SourceException">It cannot be used.</exception>
    internal static SourceFile Open(
        string path,
        Reader? read = null,
        Func<SafeFileHandle, string, FileStamp>? look = null
    )
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = OperatingSystem.IsLinux() ? LinuxFile.Open(path) : OpenPortably(path);
            return new SourceFile(handle, path, read ?? RandomAccess.ReadAsync, look ?? Stamp);
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            handle?.Dispose();
            throw SourceException.From(exception, path);
        }
    }

    /// <summary>
    /// Reads exactly as many bytes as asked for, from the given offset. A read that hangs (the server of a network file
    /// system is gone) cannot be ended, but it is left alone when the time is over: it may write into the buffer still.
    /// </summary>
    /// <exception cref="SourceException">Reading failed, or the file has become shorter.</exception>
    /// <exception cref="OperationCanceledException">The time is over; the buffer must not be used again.</exception>
    internal async ValueTask ReadAsync(Memory<byte> buffer, long offset, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var read = await Read(buffer[filled..], offset + filled, cancellationToken).ConfigureAwait(false);
            if (read == 0)
                throw SourceException.Changed(_path, $"shrank from {Length} to {offset + filled} bytes");
            filled += read;
        }
    }

    /// <summary>
    /// Makes sure that the file ends where it ended when it was opened, and holds what was read of it. Some file
    /// systems report another length than there is to read, so that is tried as well. Whoever may write to a file may
    /// put its time stamp back, but not hide that something was changed: then the file is read once more. A file that
    /// was renamed or deleted in the meantime is still the file that was opened.
    /// </summary>
    /// <param name="algorithm">Of the digest.</param>
    /// <param name="digest">Gives the digest of all that was read.</param>
    /// <param name="moved">Told of each piece that is read once more.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SourceException">The file has changed.</exception>
    internal async ValueTask EnsureUnchangedAsync(
        HashAlgorithmName algorithm,
        Func<byte[]> digest,
        Action moved,
        CancellationToken cancellationToken
    )
    {
        var now = await StampAsync(cancellationToken).ConfigureAwait(false);
        if (now.Length != _stamp.Length)
            throw SourceException.Changed(
                _path,
                $"{(now.Length > _stamp.Length ? "grew" : "shrank")} from {_stamp.Length} to {now.Length} bytes"
            );
        if (now.Modified != _stamp.Modified)
            throw SourceException.Changed(_path, "was written to");
        if (await Read(new byte[1], Length, cancellationToken).ConfigureAwait(false) != 0)
            throw SourceException.Changed(_path, $"had more than its {Length} bytes to read");
        if (
            now.Changed != _stamp.Changed
            && !(await DigestAsync(algorithm, moved, cancellationToken).ConfigureAwait(false))
                .AsSpan()
                .SequenceEqual(digest())
        )
            throw SourceException.Changed(_path, "was rewritten");
    }

    /// <summary>Reads all of it, and makes sure that it did not change meanwhile.</summary>
    /// <exception cref="SourceException">Reading failed, or the file has changed.</exception>
    internal async ValueTask<byte[]> TakeMd5Async(CancellationToken cancellationToken)
    {
        var md5 = await DigestAsync(HashAlgorithmName.MD5, Ignore, cancellationToken).ConfigureAwait(false);
        await EnsureUnchangedAsync(HashAlgorithmName.MD5, () => md5, Ignore, cancellationToken)
            .ConfigureAwait(false);
        return md5;

        static void Ignore() { }
    }

    private async ValueTask<byte[]> DigestAsync(
        HashAlgorithmName algorithm,
        Action moved,
        CancellationToken cancellationToken
    )
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        var buffer = new byte[64 * 1024];
        for (var offset = 0L; offset < Length; )
        {
            var chunk = buffer.AsMemory(0, (int)Math.Min(buffer.Length, Length - offset));
            await ReadAsync(chunk, offset, cancellationToken).ConfigureAwait(false);
            hash.AppendData(chunk.Span);
            offset += chunk.Length;
            moved();
        }

        return hash.GetCurrentHash();
    }

    public void Dispose() => _handle.Dispose();

    private async ValueTask<int> Read(Memory<byte> buffer, long offset, CancellationToken cancellationToken)
    {
        try
        {
            var reading = _read(_handle, buffer, offset, cancellationToken);
            return await (
                reading.IsCompleted
                    ? reading
                    : new ValueTask<int>(reading.AsTask().OrGiveUpAsync(cancellationToken))
            ).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            throw SourceException.From(exception, _path);
        }
    }

    /// <summary>On a thread that may be left behind: asking hangs where reading hangs.</summary>
    private async Task<FileStamp> StampAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => _look(_handle, _path), CancellationToken.None)
                .OrGiveUpAsync(cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (IsOfTheFileSystem(exception))
        {
            throw SourceException.From(exception, _path);
        }
    }

    /// <summary>What tells whether an open file has changed.</summary>
    internal static FileStamp Stamp(SafeFileHandle handle, string path) =>
        OperatingSystem.IsLinux()
            ? LinuxFile.Stamp(handle, path)
            : new FileStamp(RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle).Ticks, 0, 0);

    /// <summary>The nearest that .NET comes: what is not a regular file is refused by what its attributes say.</summary>
    private static SafeFileHandle OpenPortably(string path)
    {
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
