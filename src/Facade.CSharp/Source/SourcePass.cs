using System.Buffers;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Source;

/// <summary>
/// One reading of the file, from its beginning to its end, with its digests. While a piece is sent, the next one is
/// read, and the slowest of the digests is computed on a thread of its own: the MD5 (it takes longer than all others
/// together), or the SHA-256 where there is no MD5. A small file is read, digested and checked for changes in one step.
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

    /// <summary>The algorithms besides SHA-256.</summary>
    private readonly IReadOnlyCollection<DigestAlgorithm> _algorithms;

    /// <summary>What the thread computes that reads; nothing for a small file, which is digested as a whole.</summary>
    private readonly (DigestAlgorithm Algorithm, Hasher Hasher)[] _hashers = [];
    private readonly DigestLane? _lane;
    private readonly DigestAlgorithm? _laneAlgorithm;

    /// <summary>What is read, or was read last.</summary>
    private Memory<byte> _piece;
    private long _offset;
    private int _given;
    private bool _isRead;
    private bool _isProven;
    private Digest? _sha256;

    /// <param name="source">The file.</param>
    /// <param name="length">How many bytes of it, from its beginning.</param>
    /// <param name="algorithms">The algorithms of the digests to take besides SHA-256.</param>
    /// <param name="moved">Told of each part of a piece that has come, by the thread that reads it.</param>
    internal SourcePass(
        SourceFile source,
        long length,
        IReadOnlyCollection<DigestAlgorithm> algorithms,
        Action moved
    )
    {
        _source = source;
        _length = length;
        _algorithms = algorithms;
        _moved = moved;
        var pieces = Math.Max(1, (length + PieceSize - 1) / PieceSize);
        _buffers = new byte[]?[Math.Min(pieces, MostBuffers)];
        if (length <= SmallSize)
            return;

        if (Environment.ProcessorCount > 1)
        {
            _laneAlgorithm = algorithms.Contains(DigestAlgorithm.Md5)
                ? DigestAlgorithm.Md5
                : DigestAlgorithm.Sha256;
            _lane = new DigestLane(_laneAlgorithm, _buffers.Length);
        }

        _hashers =
        [
            .. algorithms
                .Prepend(DigestAlgorithm.Sha256)
                .Where(algorithm => !IsOfLane(algorithm))
                .Select(algorithm => (algorithm, Hasher.Create(algorithm))),
        ];
    }

    /// <summary>Where the next piece begins that has not been given out yet.</summary>
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
            // Its buffer held the piece that was read that number of pieces ago.
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

        if (_lane is not null && _laneAlgorithm is { IsSha256: true })
            await _lane.DoneAsync(_given).ConfigureAwait(false);
        _isRead = true;
        Begin(cancellationToken);
        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>What was read, after <see cref="ProveAsync"/>.</summary>
    internal async ValueTask<Sent> DigestsAsync()
    {
        if (_lane is not null)
            await _lane.DoneAsync(_given).ConfigureAwait(false);
        var others = FSharpList<Digest>.Empty;
        foreach (var algorithm in _algorithms.Reverse())
            others = FSharpList<Digest>.Cons(Take(algorithm), others);
        return new Sent(_length, _sha256!, others);
    }

    private bool IsOfLane(DigestAlgorithm algorithm) =>
        _laneAlgorithm is not null && algorithm.Equals(_laneAlgorithm);

    private Digest Take(DigestAlgorithm algorithm)
    {
        if (_length <= SmallSize)
            return Hasher.Of(algorithm, _piece.Span);
        if (IsOfLane(algorithm))
            return _lane!.Current();
        return Array.Find(_hashers, entry => entry.Algorithm.Equals(algorithm)).Hasher.Current();
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

        foreach (var (_, hasher) in _hashers)
            hasher.Dispose();
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
            foreach (var (_, hasher) in _hashers)
                hasher.Append(_piece.Span);
        }

        if (_isRead || _length <= SmallSize)
            Prove();
    }

    private void Prove()
    {
        _sha256 = Take(DigestAlgorithm.Sha256);
        _source.EnsureUnchanged(_sha256, _moved, Cancellation);
        _isProven = true;
    }
}
