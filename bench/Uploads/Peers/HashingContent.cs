using System.Buffers;
using System.Net;
using System.Security.Cryptography;

namespace CellOS.Export.S3.Bench.Peers;

/// <summary>Sends a file, and takes its digests of each buffer between reading and writing it.</summary>
internal sealed class HashingContent(FileStream file, bool takeSha256, bool takeMd5) : HttpContent
{
    /// <summary>64 hexadecimal digits, once all is sent, if it was asked for.</summary>
    internal string? Sha256 { get; private set; }

    /// <summary>32 of them, if it was asked for.</summary>
    internal string? Md5 { get; private set; }

    protected override bool TryComputeLength(out long length)
    {
        length = file.Length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken
    )
    {
        using var sha256 = takeSha256 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        using var md5 = takeMd5 ? IncrementalHash.CreateHash(HashAlgorithmName.MD5) : null;
        var size = (int)Math.Clamp(file.Length, 1, PlainPeer.BufferSize);
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            int read;
            while ((read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                sha256?.AppendData(buffer, 0, read);
                md5?.AppendData(buffer, 0, read);
                await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        Sha256 = sha256 is null ? null : Convert.ToHexStringLower(sha256.GetHashAndReset());
        Md5 = md5 is null ? null : Convert.ToHexStringLower(md5.GetHashAndReset());
    }
}
