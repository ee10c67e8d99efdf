using System.Text;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>Files of the operator's: a spec, a manifest.</summary>
internal static class SmallFile
{
    /// <summary>Fails on what is no UTF-8 instead of reading something else than was written.</summary>
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads a file of UTF-8 as text, without its byte order mark; null if that cannot be done.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">A larger one is refused.</param>
    /// <param name="problem">Why it cannot be read and what to do, in sentences; empty if it can.</param>
    internal static string? TryRead(string path, int maxBytes, out string problem)
    {
        problem = "";
        try
        {
            using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            // One byte more than is allowed tells that there is more; a pipe has no length.
            var buffer = new MemoryStream();
            var piece = new byte[16 * 1024];
            while (buffer.Length <= maxBytes && file.Read(piece) is > 0 and var read)
                buffer.Write(piece, 0, read);
            if (buffer.Length > maxBytes)
            {
                problem = $"The file is larger than {maxBytes} bytes. Check that it is the right one.";
                return null;
            }

            var text = Utf8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException)
        {
            problem = "The file is no UTF-8 text. Check that it is the right one.";
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or NotSupportedException
                        or ArgumentException
            )
        {
            problem =
                $"The file cannot be read ({Redaction.Text(exception.Message)}). Check its path and permissions.";
        }

        return null;
    }
}
