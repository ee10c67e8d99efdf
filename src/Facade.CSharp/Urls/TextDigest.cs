using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace CellOS.Export.S3.Urls;

/// <summary>The SHA-256 of a text, in 32 bytes and no object: it stands for a text that is long, or holds a credential.</summary>
internal readonly record struct TextDigest(UInt128 High, UInt128 Low)
{
    internal static TextDigest Of(string text)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), digest);
        return new(
            BinaryPrimitives.ReadUInt128BigEndian(digest),
            BinaryPrimitives.ReadUInt128BigEndian(digest[16..])
        );
    }
}
