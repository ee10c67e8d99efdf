namespace LoopbackS3;

/// <summary>A body on its way in: digested as it comes, kept only as far as the options say.</summary>
internal sealed class Upload(LoopbackS3Options options, IReadOnlyCollection<Digest> wanted, bool corrupt)
    : IDisposable
{
    private readonly DigestWriter _received = new(wanted);
    private readonly DigestWriter? _flipped = corrupt ? new(wanted) : null;
    private MemoryStream? _kept = options.Retention == Retention.KeepBytes ? new() : null;

    public long Length { get; private set; }

    /// <summary>Of the bytes that came, which is what the client's checksums are compared with.</summary>
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
}
