using System.IO.Hashing;
using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Source;

/// <summary>Computes one digest of content that comes in pieces.</summary>
internal abstract class Hasher : IDisposable
{
    /// <summary>CRC-64/XZ (ECMA-182, reflected), which the parameter sets of System.IO.Hashing do not have.</summary>
    private static readonly Crc64ParameterSet Xz = Crc64ParameterSet.Create(
        polynomial: 0x42F0E1EBA9EA3693,
        initialValue: ulong.MaxValue,
        finalXorValue: ulong.MaxValue,
        reflectValues: true
    );

    /// <summary>Creates a hasher of this algorithm.</summary>
    internal static Hasher Create(DigestAlgorithm algorithm) =>
        algorithm.Tag switch
        {
            DigestAlgorithm.Tags.Crc32 => new CrcHasher(algorithm, new Crc32()),
            DigestAlgorithm.Tags.Crc32C => new CrcHasher(algorithm, new Crc32(Crc32ParameterSet.Crc32C)),
            DigestAlgorithm.Tags.Crc64Nvme => new CrcHasher(algorithm, new Crc64(Crc64ParameterSet.Nvme)),
            DigestAlgorithm.Tags.Crc64Xz => new CrcHasher(algorithm, new Crc64(Xz)),
            _ => new CryptographicHasher(algorithm, IncrementalHash.CreateHash(NameOf(algorithm))),
        };

    /// <summary>Returns the digest of content that is there as a whole.</summary>
    internal static Digest Of(DigestAlgorithm algorithm, ReadOnlySpan<byte> content)
    {
        if (algorithm.IsSha256 || algorithm.IsMd5 || algorithm.IsSha1)
        {
            Span<byte> octets = stackalloc byte[algorithm.Size];
            CryptographicOperations.HashData(NameOf(algorithm), content, octets);
            return ToDigest(algorithm, octets);
        }

        using var hasher = Create(algorithm);
        hasher.Append(content);
        return hasher.Current();
    }

    /// <summary>Returns the SHA-256 of a file, read from its beginning to its end.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal static Digest Sha256Of(SafeFileHandle file, CancellationToken cancellationToken)
    {
        using var hasher = Create(DigestAlgorithm.Sha256);
        var buffer = new byte[SourceFile.PartSize];
        for (var offset = 0L; ; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(file, buffer, offset);
            if (read == 0)
                return hasher.Current();
            hasher.Append(buffer.AsSpan(0, read));
            offset += read;
        }
    }

    /// <summary>Adds the next piece.</summary>
    internal abstract void Append(ReadOnlySpan<byte> piece);

    /// <summary>Returns the digest of all pieces so far.</summary>
    internal abstract Digest Current();

    public abstract void Dispose();

    private static HashAlgorithmName NameOf(DigestAlgorithm algorithm) =>
        algorithm.IsSha256 ? HashAlgorithmName.SHA256
        : algorithm.IsMd5 ? HashAlgorithmName.MD5
        : HashAlgorithmName.SHA1;

    private static Digest ToDigest(DigestAlgorithm algorithm, ReadOnlySpan<byte> octets) =>
        Digest.TryCreate(algorithm, octets)!.Value;

    private sealed class CryptographicHasher(DigestAlgorithm algorithm, IncrementalHash hash) : Hasher
    {
        internal override void Append(ReadOnlySpan<byte> piece) => hash.AppendData(piece);

        internal override Digest Current()
        {
            Span<byte> octets = stackalloc byte[algorithm.Size];
            hash.GetCurrentHash(octets);
            return ToDigest(algorithm, octets);
        }

        public override void Dispose() => hash.Dispose();
    }

    /// <summary>A reflected CRC, which System.IO.Hashing writes in little-endian order, and headers in network byte order.</summary>
    private sealed class CrcHasher(DigestAlgorithm algorithm, NonCryptographicHashAlgorithm crc) : Hasher
    {
        internal override void Append(ReadOnlySpan<byte> piece) => crc.Append(piece);

        internal override Digest Current()
        {
            Span<byte> octets = stackalloc byte[algorithm.Size];
            crc.GetCurrentHash(octets);
            octets.Reverse();
            return ToDigest(algorithm, octets);
        }

        public override void Dispose() { }
    }
}
