using System.Buffers.Binary;
using System.Globalization;

namespace LoopbackS3;

/// <summary>The digests of one body: MD5 and SHA-256, and those that the request or the dialect asks for.</summary>
internal sealed class Digests(IReadOnlyDictionary<Digest, byte[]> values)
{
    public byte[] this[Digest digest] => values[digest];

    public string Base64(Digest digest) => Convert.ToBase64String(values[digest]);

    public string Hex(Digest digest) => Convert.ToHexStringLower(values[digest]);

    /// <summary>Returns a digest of eight bytes as an unsigned decimal number.</summary>
    public string Decimal(Digest digest) =>
        BinaryPrimitives.ReadUInt64BigEndian(values[digest]).ToString(CultureInfo.InvariantCulture);

    /// <summary>Returns the same digests, those that <paramref name="isWrong"/> selects wrong by one bit.</summary>
    public Digests WithWrong(Func<Digest, bool> isWrong) =>
        new(
            values.ToDictionary(
                pair => pair.Key,
                pair => isWrong(pair.Key) ? Flipped(pair.Value) : pair.Value
            )
        );

    private static byte[] Flipped(byte[] bytes) => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)];
}
