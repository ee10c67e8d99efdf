using System.Security.Cryptography;

namespace LoopbackS3;

/// <summary>Computes MD5 and SHA-256, and no more than the digests that are wanted beside them.</summary>
internal sealed class DigestWriter : IDisposable
{
    private readonly Dictionary<Digest, IncrementalHash> _hashes = [];
    private readonly Dictionary<Digest, Crc> _crcs = [];

    public DigestWriter(IEnumerable<Digest> wanted)
    {
        foreach (var digest in wanted.Union([Digest.Md5, Digest.Sha256]))
            Add(digest);
    }

    public void Append(ReadOnlySpan<byte> chunk)
    {
        foreach (var hash in _hashes.Values)
            hash.AppendData(chunk);
        foreach (var crc in _crcs.Values)
            crc.Append(chunk);
    }

    public Digests Finish() =>
        new(
            _hashes
                .Select(pair => KeyValuePair.Create(pair.Key, pair.Value.GetHashAndReset()))
                .Concat(_crcs.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.ToBytes())))
                .ToDictionary()
        );

    public void Dispose()
    {
        foreach (var hash in _hashes.Values)
            hash.Dispose();
    }

    private void Add(Digest digest)
    {
        switch (digest)
        {
            case Digest.Md5:
                _hashes[digest] = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
                break;
            case Digest.Sha1:
                _hashes[digest] = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
                break;
            case Digest.Sha256:
                _hashes[digest] = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                break;
            case Digest.Crc32:
                _crcs[digest] = Crc.Crc32();
                break;
            case Digest.Crc32C:
                _crcs[digest] = Crc.Crc32C();
                break;
            case Digest.Crc64Nvme:
                _crcs[digest] = Crc.Crc64Nvme();
                break;
            case Digest.Crc64Xz:
                _crcs[digest] = Crc.Crc64Xz();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(digest), digest, null);
        }
    }
}
