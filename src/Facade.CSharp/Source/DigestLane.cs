using System.Threading.Tasks.Sources;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Source;

/// <summary>
/// Takes a digest of pieces in their order, beside the thread that reads and sends them. A thread is taken up when there is a
/// piece, and left when there is none.
/// </summary>
/// <param name="algorithm">The algorithm of the digest.</param>
/// <param name="capacity">The number of pieces that may be there at once: those that wait and the one in work.</param>
internal sealed class DigestLane(DigestAlgorithm algorithm, int capacity)
    : IThreadPoolWorkItem,
        IValueTaskSource
{
    private readonly Lock _gate = new();
    private readonly Hasher _hasher = Hasher.Create(algorithm);
    private readonly ReadOnlyMemory<byte>[] _pieces = new ReadOnlyMemory<byte>[capacity];
    private ManualResetValueTaskSourceCore<bool> _reached = new() { RunContinuationsAsynchronously = true };
    private long _added;
    private long _done;

    /// <summary>The number of pieces that are waited for; 0 if no caller waits.</summary>
    private long _awaited;
    private bool _isRunning;
    private bool _isAtPiece;
    private bool _isStopped;

    /// <summary>Whether a thread is at a piece, which must stay as it is.</summary>
    internal bool IsAtPiece
    {
        get
        {
            lock (_gate)
                return _isAtPiece;
        }
    }

    /// <summary>Adds a piece, which must stay as it is until it is done.</summary>
    internal void Add(ReadOnlyMemory<byte> piece)
    {
        lock (_gate)
        {
            _pieces[_added++ % _pieces.Length] = piece;
            if (_isRunning)
                return;
            _isRunning = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Waits until this number of pieces, of all that were ever added, are done. One may wait at a time.</summary>
    internal ValueTask DoneAsync(long count)
    {
        lock (_gate)
        {
            if (_done >= count)
                return ValueTask.CompletedTask;
            _reached.Reset();
            _awaited = count;
            return new ValueTask(this, _reached.Version);
        }
    }

    /// <summary>Returns the digest of all pieces, when they are done.</summary>
    internal Digest Current() => _hasher.Current();

    /// <summary>Ends with the piece that is in work.</summary>
    internal void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            if (!_isRunning)
                _hasher.Dispose();
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (Next() is { } piece)
        {
            _hasher.Append(piece.Span);
            bool isReached;
            lock (_gate)
            {
                _isAtPiece = false;
                _done++;
                isReached = _awaited > 0 && _done >= _awaited;
                if (isReached)
                    _awaited = 0;
            }

            if (isReached)
                _reached.SetResult(true);
        }
    }

    private ReadOnlyMemory<byte>? Next()
    {
        lock (_gate)
        {
            _isAtPiece = !_isStopped && _done < _added;
            if (_isAtPiece)
                return _pieces[_done % _pieces.Length];

            _isRunning = false;
            if (_isStopped)
                _hasher.Dispose();
            return null;
        }
    }

    void IValueTaskSource.GetResult(short token) => _reached.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _reached.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _reached.OnCompleted(continuation, state, token, flags);
}
