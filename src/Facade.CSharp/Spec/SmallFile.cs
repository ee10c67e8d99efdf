using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3;

/// <summary>Files of the operator's: a spec, a manifest.</summary>
internal static class SmallFile
{
    /// <summary>Reads a file of UTF-8 as text, without its byte order mark; null if that cannot be done.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A larger one is refused.</param>
    /// <param name="problem">Why it cannot be read and what to do, in sentences; empty if it can.</param>
    internal static string? TryRead(string path, int maxBytes, out string problem) =>
        Try(path, () => Open(path), handle => Read(handle, maxBytes), out problem);

    /// <summary>
    /// Opens a regular file, or a link to one. A pipe would make the caller wait for ever, a device might never end.
    /// </summary>
    /// <exception cref="SourceException">It is not a regular file, or cannot be opened.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    internal static SafeFileHandle OpenRegular(string path) =>
        OperatingSystem.IsLinux() ? LinuxFile.Open(path, followLink: true) : OpenPortably(path);

    /// <summary>
    /// Opens a file or a pipe by the path as it is: .NET would remove <c>link/..</c> from it, which leads elsewhere.
    /// </summary>
    private static SafeFileHandle Open(string path) =>
        OperatingSystem.IsLinux() ? LinuxFile.OpenToRead(path) : OpenPortably(path);

    private static SafeFileHandle OpenPortably(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>
    /// Reads a file that is looked at again and again, if it has changed: a regular one, since a pipe gives what it
    /// has only once and may make the reader wait for ever. Links are followed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A larger one is refused.</param>
    /// <param name="now">When it is read, by the clock that stamps files.</param>
    /// <param name="known">
    /// The stamp of what was read before, and then of what has been read now; null if the file has to be read again.
    /// </param>
    /// <param name="problem">Why it cannot be read and what to do, in sentences; empty if it can.</param>
    /// <returns>Its bytes; null if it has not changed, or cannot be read.</returns>
    internal static byte[]? TryReadChanged(
        string path,
        int maxBytes,
        DateTimeOffset now,
        ref FileStamp? known,
        out string problem
    )
    {
        var before = known;
        // What cannot be read now may be readable later without having changed.
        FileStamp? after = null;
        var bytes = Try(
            path,
            () => OpenRegular(path),
            handle =>
            {
                // Taken first: a file that changes while it is read is read once more.
                var stamp = SourceFile.Stamp(handle, path);
                after = IsSettled(stamp, now) ? stamp : null;
                return before is not null && before == after ? null : ReadBytes(handle, maxBytes);
            },
            out problem
        );
        known = after;
        return bytes;
    }

    /// <summary>
    /// True if a change from here on changes the stamp. File systems count in steps, the coarsest of 2 seconds (FAT):
    /// what is written twice within one step has one stamp.
    /// </summary>
    private static bool IsSettled(FileStamp stamp, DateTimeOffset now) =>
        !OperatingSystem.IsLinux() || stamp.Since(now) is > 2_000_000_000 or < -2_000_000_000;

    /// <summary>Reads a regular file into one array of its length, so that it takes no more memory than that.</summary>
    private static byte[] ReadBytes(SafeFileHandle handle, int maxBytes)
    {
        var length = RandomAccess.GetLength(handle);
        if (length > maxBytes)
            throw new TooLargeException(maxBytes);

        var bytes = new byte[(int)length];
        Span<byte> more = stackalloc byte[1];
        var count = 0;
        while (true)
        {
            // A whole array is followed by its end, or by what was added meanwhile.
            var isFull = count == bytes.Length;
            var read = RandomAccess.Read(handle, isFull ? more : bytes.AsSpan(count), count);
            if (read == 0)
                break;
            if (isFull && count == maxBytes)
                throw new TooLargeException(maxBytes);
            if (isFull)
                Array.Resize(ref bytes, (int)Math.Min(2L * count + 1, maxBytes));
            else
                count += read;
        }

        Array.Resize(ref bytes, count);
        return bytes;
    }

    private static string Read(SafeFileHandle handle, int maxBytes)
    {
        using var file = new FileStream(handle, FileAccess.Read);
        // One byte more than is allowed tells that there is more; a pipe has no length.
        var buffer = new MemoryStream();
        var piece = new byte[16 * 1024];
        while (buffer.Length <= maxBytes && file.Read(piece) is > 0 and var read)
            buffer.Write(piece, 0, read);
        if (buffer.Length > maxBytes)
            throw new TooLargeException(maxBytes);

        var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (TextEncoding.Problem(bytes) is { } problem)
            throw new EncodingException(problem);
        var text = Encoding.UTF8.GetString(bytes.Span);
        return text.StartsWith('\uFEFF') ? text[1..] : text;
    }

    private static T? Try<T>(
        string path,
        Func<SafeFileHandle> open,
        Func<SafeFileHandle, T?> read,
        out string problem
    )
        where T : class
    {
        problem = "";
        try
        {
            using var handle = open();
            return read(handle);
        }
        catch (Exception exception) when (exception is TooLargeException or EncodingException)
        {
            problem = exception.Message;
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or NotSupportedException
                        or ArgumentException
                        or SourceException
            )
        {
            problem = FilePath.Problem(path) is { } wrong
                ? $"{wrong}. Give the path of a file."
                : $"The file cannot be read ({Redaction.Text(exception.Message).TrimEnd('.')}). Check its path and permissions.";
        }

        return null;
    }

    /// <summary>True if users other than the owner and the group can read the file.</summary>
    internal static bool IsReadableByOthers(string path)
    {
        if (OperatingSystem.IsWindows())
            return false;
        try
        {
            return (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A file that cannot be looked at is reported when it is read.
            return false;
        }
    }

    private sealed class EncodingException(string problem) : Exception(problem);

    private sealed class TooLargeException(int maxBytes)
        : Exception($"The file is larger than {maxBytes} bytes. Check that it is the right one.");
}
