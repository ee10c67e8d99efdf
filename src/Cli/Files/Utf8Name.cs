using System.Text;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>
/// Names as the system has them: bytes. .NET replaces what is not valid UTF-8 by U+FFFD, which another name may
/// really contain, so the bytes decide.
/// </summary>
internal static class Utf8Name
{
    /// <summary>Decodes a name.</summary>
    /// <param name="bytes">The name.</param>
    /// <param name="text">The name; for display only, with <c>\xNN</c> for wrong bytes, if it is not valid.</param>
    /// <returns>True if it is valid UTF-8.</returns>
    internal static bool TryDecode(ReadOnlySpan<byte> bytes, out string text)
    {
        var decoded = new StringBuilder(bytes.Length);
        var isValid = true;
        while (!bytes.IsEmpty)
        {
            if (
                Rune.DecodeFromUtf8(bytes, out var rune, out var length)
                == System.Buffers.OperationStatus.Done
            )
            {
                decoded.Append(rune.ToString());
            }
            else
            {
                isValid = false;
                foreach (var wrong in bytes[..length])
                    decoded.Append($"\\x{wrong:x2}");
            }

            bytes = bytes[length..];
        }

        text = decoded.ToString();
        return isValid;
    }
}
