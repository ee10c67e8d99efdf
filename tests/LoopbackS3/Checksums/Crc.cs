using System.Buffers.Binary;

namespace LoopbackS3;

/// <summary>
/// A reflected CRC whose register starts as ones and is inverted at the end, computed from tables. The code
/// shares nothing with the uploader or with System.IO.Hashing, so that each checks the other.
/// </summary>
/// <remarks>
/// The parameters are those of the "Catalogue of parametrised CRC algorithms". The tables let eight bytes
/// enter the register at a time ("slicing-by-8", Kounavis and Berry, 2008).
/// </remarks>
public sealed class Crc
{
    private static readonly Model _crc32 = new(32, 0x04C11DB7);
    private static readonly Model _crc32C = new(32, 0x1EDC6F41);
    private static readonly Model _crc64Nvme = new(64, 0xAD93D23594C93659);
    private static readonly Model _crc64Xz = new(64, 0x42F0E1EBA9EA3693);

    private readonly Model _model;
    private ulong _register;

    private Crc(Model model)
    {
        _model = model;
        _register = model.Ones;
    }

    /// <summary>Creates a CRC-32/ISO-HDLC, which <c>x-amz-checksum-crc32</c> carries.</summary>
    public static Crc Crc32() => new(_crc32);

    /// <summary>Creates a CRC-32/ISCSI (Castagnoli).</summary>
    public static Crc Crc32C() => new(_crc32C);

    /// <summary>Creates a CRC-64/NVME.</summary>
    public static Crc Crc64Nvme() => new(_crc64Nvme);

    /// <summary>Creates a CRC-64/XZ, which Alibaba OSS and Tencent COS call CRC-64/ECMA.</summary>
    public static Crc Crc64Xz() => new(_crc64Xz);

    /// <summary>The CRC of the bytes appended so far.</summary>
    public ulong Value => _register ^ _model.Ones;

    /// <summary>Returns <see cref="Value"/>, most significant byte first, as checksum headers encode it.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Value);
        return bytes[^(_model.Width / 8)..];
    }

    /// <summary>Appends bytes; where a body is split does not change its CRC.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> table = _model.Tables;
        var register = _register;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var block = register ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            register =
                table[(7 << 8) | (byte)block]
                ^ table[(6 << 8) | (byte)(block >> 8)]
                ^ table[(5 << 8) | (byte)(block >> 16)]
                ^ table[(4 << 8) | (byte)(block >> 24)]
                ^ table[(3 << 8) | (byte)(block >> 32)]
                ^ table[(2 << 8) | (byte)(block >> 40)]
                ^ table[(1 << 8) | (byte)(block >> 48)]
                ^ table[(byte)(block >> 56)];
        }
        foreach (var b in bytes)
            register = (register >> 8) ^ table[(byte)(register ^ b)];
        _register = register;
    }

    /// <param name="polynomial">In normal notation: the highest power is the leftmost bit.</param>
    private sealed class Model(int width, ulong polynomial)
    {
        public int Width => width;
        public ulong Ones { get; } = ulong.MaxValue >> (64 - width);

        /// <summary>Eight tables of 256: the n-th has the effect of a byte with n bytes behind it.</summary>
        public ulong[] Tables { get; } = Tabulate(Reflect(polynomial, width));

        private static ulong[] Tabulate(ulong reflected)
        {
            var tables = new ulong[8 * 256];
            for (var i = 0; i < 256; i++)
            {
                var register = (ulong)i;
                for (var bit = 0; bit < 8; bit++)
                    register = (register >> 1) ^ ((register & 1) == 0 ? 0 : reflected);
                tables[i] = register;
            }
            for (var i = 256; i < tables.Length; i++)
                tables[i] = (tables[i - 256] >> 8) ^ tables[(byte)tables[i - 256]];
            return tables;
        }

        private static ulong Reflect(ulong value, int width)
        {
            ulong reflected = 0;
            for (var bit = 0; bit < width; bit++)
                reflected |= ((value >> bit) & 1) << (width - 1 - bit);
            return reflected;
        }
    }
}
