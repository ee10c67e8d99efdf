using System.Buffers;
using System.IO.Hashing;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>
/// The end of an artifact's name: <c>.</c> and the CRC-64/NVME of its content in hexadecimal digits. It tells the server
/// what to report, since a server that computed the checksum would take the time from those whom it serves.
/// </summary>
internal static class ObjectName
{
    private const int DigestSize = 8;
    private const int EndingLength = 1 + 2 * DigestSize;

    /// <summary>Returns the ending for the content of a file.</summary>
    internal static string Ending(string path)
    {
        using var file = File.OpenRead(path);
        var crc = new Crc64(Crc64ParameterSet.Nvme);
        crc.Append(file);
        return $".{crc.GetCurrentHashAsUInt64():x16}";
    }

    /// <summary>Returns the ending for this content.</summary>
    internal static string Ending(ReadOnlySpan<byte> content) =>
        $".{Crc64.HashToUInt64(Crc64ParameterSet.Nvme, content):x16}";

    /// <summary>
    /// Writes the checksum that the path of a request ends with to <paramref name="base64"/>, as Amazon S3 reports it; false
    /// if the path has no such ending.
    /// </summary>
    internal static bool TryReadChecksum(ReadOnlySpan<byte> path, Span<byte> base64)
    {
        Span<byte> octets = stackalloc byte[DigestSize];
        return path.Length > EndingLength
            && path[^EndingLength] == '.'
            && Convert.FromHexString(path[^(EndingLength - 1)..], octets, out _, out _)
                == OperationStatus.Done
            && System.Buffers.Text.Base64.EncodeToUtf8(octets, base64, out _, out _) == OperationStatus.Done;
    }
}
