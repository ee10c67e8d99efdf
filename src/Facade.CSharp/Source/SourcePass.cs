using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Source;

/// <summary>
/// One reading of the file, from its beginning to its end, with its digests. While a piece is sent, the next one is
/// read, and the slowest of the digests follows on a thread of its own: the MD5 (it is more work than all the rest
/// together), or the SHA-256 where that is the only one. A small file is read, digested and looked at once more at one
/// go.
/// </summary>
internal sealed class SourcePass : FileWork, IDisposable
{
    /// <summary>Large enough that handing a piece to another thread costs next to nothing beside its digests.</summary>
    internal const int PieceSize = 256 * 1024;

    /// <summary>Up to here a digest is taken sooner than another thread would begin with it.</summary>
    internal const int SmallSize = 64 * 1024;

    /// <summary>
    /// The one that is sent, the one that is read, and those that wait for their digest: 4 MiB in all, so that a digest
    /// goes on while the connection or the file system is slow for a moment.
    /// </summary>
    private const int MostBuffers = 16;

    private readonly SourceFile _source;
    private readonly long _length;
    private readonly Action _moved;
    private readonly byte[]?[] _buffers;

    /// <summary>Null where the lane takes it, or a small file is the whole and its digests need no state.</summary>
    private readonly IncrementalHash? _sha256;
    private readonly IncrementalHash? _md5;
    private readonly DigestLane? _lane;
    private readonly bool _takeMd5;

    /// <summary>What is read, or was read last.</summary>
    private Memory<byte> _piece;
    private long _offset;
    private int _given;
    private bool _isRead;
    private bool _isProven;
    private string _sha256Digest = "";
    private string? _md5Digest;

    /// <param name="source">The file.</param>
    /// <param name="length">How many bytes of it, from its beginning.</param>
    /// <param name="takeMd5">Whether to take the MD5 besides the SHA-256.</param>
    /// <param name="moved">Told of each part of a piece that has come, by the thread that reads it.</param>
    internal SourcePass(SourceFile source, long length, bool takeMd5, Action moved)
    {
        _source = source;
        _length = length;
        _moved = moved;
        _takeMd5 = takeMd5;
        var pieces = Math.Max(1, (length + PieceSize - 1) / PieceSize);
        _buffers = new byte[]?[Math.Min(pieces, MostBuffers)];
        var isSmall = length <= SmallSize;
        if (!isSmall && Environment.ProcessorCount > 1)
            _lane = new DigestLane(
                takeMd5 ? HashAlgorithmName.MD5 : HashAlgorithmName.SHA256,
                _buffers.Length
            );
        if (!isSmall && (takeMd5 || _lane is null))
            _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (!isSmall && takeMd5 && _lane is null)
            _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
    }

    /// <summary>Where the next piece begins that nobody has been given yet.</summary>
    private long Next => _offset + _piece.Length;

    /// <summary>
    /// The next piece, which stays as it is until the one after the next has been asked for. There is at least one,
    /// and none after the one that ends the file.
    /// </summary>
    /// <exception cref="SourceException">Reading failed, or the file has changed.</exception>
    /// <exception cref="OperationCanceledException">
    /// The time is over. A read that hangs is left alone; it may write into a buffer still.
    /// </exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        if (_given == 0)
            BeginReading(cancellationToken);
        await EndAsync().ConfigureAwait(false);
        ReadOnlyMemory<byte> piece = _piece;
        _given++;
        _lane?.Add(piece);
        if (Next < _length)
        {
            // Its buffer held the piece that was read so many pieces ago.
            if (_lane is not null)
                await _lane.DoneAsync(_given + 1 - _buffers.Length).ConfigureAwait(false);
            BeginReading(cancellationToken);
        }

        return piece;
    }

    /// <summary>
    /// Makes sure that the file is what it was and holds what was read of it. To be asked for when all pieces but the
    /// end of the last one are sent: a server is never to have the whole of a body that was mixed.
    /// </summary>
    /// <exception cref="SourceException">The file has changed, or cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal async ValueTask ProveAsync(CancellationToken cancellationToken)
    {
        if (_isProven)
            return;

        if (_lane is not null && !_takeMd5)
            await _lane.DoneAsync(_given).ConfigureAwait(false);
        _isRead = true;
        Begin(cancellationToken);
        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>What was read, after <see cref="ProveAsync"/>.</summary>
    internal async ValueTask<Sent> DigestsAsync()
    {
        if (_lane is not null && _takeMd5)
        {
            await _lane.DoneAsync(_given).ConfigureAwait(false);
            Span<byte> md5 = stackalloc byte[MD5.HashSizeInBytes];
            _lane.Digest(md5);
            _md5Digest = Convert.ToHexStringLower(md5);
        }

        return new Sent(_length, _sha256Digest, CoreMapping.ToOption(_md5Digest));
    }

    /// <summary>
    /// Ends what is under way after the piece that it is at. What a thread may be at still is left to the garbage
    /// collector.
    /// </summary>
    public void Dispose()
    {
        _lane?.Stop();
        if (IsUnderWay || _lane is { IsAtPiece: true })
            return;

        _sha256?.Dispose();
        _md5?.Dispose();
        foreach (ref var buffer in _buffers.AsSpan())
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }

    private void BeginReading(CancellationToken cancellationToken)
    {
        ref var buffer = ref _buffers[_given % _buffers.Length];
        buffer ??= ArrayPool<byte>.Shared.Rent((int)Math.Clamp(_length, 1, PieceSize));
        _offset = Next;
        _piece = buffer.AsMemory(0, (int)Math.Min(PieceSize, _length - _offset));
        Begin(cancellationToken);
    }

    protected override void Perform()
    {
        if (!_isRead)
        {
            _source.Read(_piece, _offset, _moved, Cancellation);
            _sha256?.AppendData(_piece.Span);
            _md5?.AppendData(_piece.Span);
        }

        if (_isRead || _length <= SmallSize)
            Prove();
    }

    private void Prove()
    {
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes];
        if (_sha256 is not null)
            _sha256.GetCurrentHash(sha256);
        else if (_lane is not null)
            _lane.Digest(sha256);
        else
            SHA256.HashData(_piece.Span, sha256);
        _source.EnsureUnchanged(HashAlgorithmName.SHA256, sha256, _moved, Cancellation);
        _sha256Digest = Convert.ToHexStringLower(sha256);
        _isProven = true;
        if (!_takeMd5 || _lane is not null)
            return;

        Span<byte> md5 = stackalloc byte[MD5.HashSizeInBytes];
        if (_md5 is not null)
            _md5.GetCurrentHash(md5);
        else
            CryptographicOperations.HashData(HashAlgorithmName.MD5, _piece.Span, md5);
        _md5Digest = Convert.ToHexStringLower(md5);
    }
}
