using System.Security.Cryptography;

namespace LoopbackS3;

internal sealed record Digests(byte[] Md5, byte[] Sha256);

/// <summary>A body on its way in: digested as it comes, kept only as far as the options say.</summary>
internal sealed class Upload(LoopbackS3Options options, bool corrupt) : IDisposable
{
    private readonly Hashes _received = new();
    private readonly Hashes? _flipped = corrupt ? new() : null;
    private MemoryStream? _kept = options.Retention == Retention.KeepBytes ? new() : null;

    public long Length { get; private set; }

    /// <summary>Of the bytes that came, which is what a Content-MD5 is held against.</summary>
    public Digests Received { get; private set; } = null!;

    /// <summary>Of the bytes that are stored: others only when the upload is to be corrupted.</summary>
    public Digests Stored { get; private set; } = null!;

    public byte[]? Bytes { get; private set; }

    public void Append(Span<byte> chunk)
    {
        _received.Append(chunk);
        if (_flipped is not null)
        {
            if (Length == 0)
                chunk[0] ^= 1;
            _flipped.Append(chunk);
        }
        Length += chunk.Length;
        if (Length > options.MaxKeptBytes)
            _kept = null;
        _kept?.Write(chunk);
    }

    public void Complete()
    {
        Received = _received.Finish();
        Stored = _flipped?.Finish() ?? Received;
        Bytes = _kept?.ToArray();
    }

    public void Dispose()
    {
        _received.Dispose();
        _flipped?.Dispose();
    }

    private sealed class Hashes : IDisposable
    {
        private readonly IncrementalHash _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public void Append(ReadOnlySpan<byte> chunk)
        {
            _md5.AppendData(chunk);
            _sha256.AppendData(chunk);
        }

        public Digests Finish() => new(_md5.GetHashAndReset(), _sha256.GetHashAndReset());

        public void Dispose()
        {
            _md5.Dispose();
            _sha256.Dispose();
        }
    }
}
