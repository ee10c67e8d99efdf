using System.Buffers;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Bytes that wait for those that follow at once, so that all of them leave in one piece. HttpClient sends the head of a
/// request and what fits beside it, and the rest after that: for a small file that is twice the work, here and where
/// they arrive.
/// </summary>
internal struct HeldBack
{
    /// <summary>Beyond this, copying costs more than a second piece.</summary>
    internal const int Size = 16 * 1024;

    private byte[]? _buffer;
    private int _count;

    /// <summary>What is held, in its order.</summary>
    internal readonly ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _count);

    /// <summary>Holds these as well, if there is room.</summary>
    internal bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        if (_count + bytes.Length > Size)
            return false;

        _buffer ??= ArrayPool<byte>.Shared.Rent(Size);
        bytes.CopyTo(_buffer.AsSpan(_count));
        _count += bytes.Length;
        return true;
    }

    /// <summary>Holds nothing more, and gives its memory back, which must not be in use.</summary>
    internal void Clear()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _count) = (null, 0);
    }
}
