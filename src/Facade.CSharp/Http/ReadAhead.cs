using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Reads from a connection before anybody asks for it, so that an answer is seen while the body is still being sent.
/// It goes on until its beginning was seen, interim answers and all, but keeps only a little. At any time at most one
/// read is under way.
/// </summary>
internal sealed class ReadAhead(Stream inner, ReadAhead.Look look)
{
    /// <summary>Looks at what was read, nothing at the end.</summary>
    /// <returns>Whether what comes next is to be read ahead as well.</returns>
    internal delegate bool Look(ReadOnlySpan<byte> read);

    /// <summary>Some interim answers, a status line, a header or two.</summary>
    private const int Size = 4096;

    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[Size];

    /// <summary>Null when no read ahead is under way.</summary>
    private Task? _ahead;

    /// <summary>Whether somebody reads what comes next.</summary>
    private bool _isAsked;
    private bool _isOver;
    private int _from;
    private int _to;
    private ExceptionDispatchInfo? _error;
    private volatile bool _isStarting;

    /// <summary>Whether a read ahead has begun, and has not come to wait for the other end yet.</summary>
    internal bool IsStarting => _isStarting;

    /// <summary>Whether what comes is read.</summary>
    internal bool IsReading
    {
        get
        {
            lock (_gate)
                return _isAsked || _ahead is not null;
        }
    }

    /// <summary>Begins to read, unless somebody does, or there is no room.</summary>
    internal void Begin()
    {
        lock (_gate)
        {
            if (!_isAsked && _ahead is null && !_isOver && _error is null && _to < Size)
            {
                _isStarting = true;
                _ahead = FillAsync();
            }
        }
    }

    /// <summary>Looks at what was read ahead and not taken, if that is wanted once nothing is being added to it.</summary>
    internal void LookAgain(Func<bool> isWanted)
    {
        lock (_gate)
        {
            if (_from < _to && isWanted())
                look(_buffer.AsSpan(_from, _to - _from));
        }
    }

    /// <summary>What was read ahead, or what comes next.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task ahead;
            lock (_gate)
            {
                if (_from < _to)
                    return Take(buffer.Span);
                _error?.Throw();
                if (_isOver)
                {
                    look([]);
                    return 0;
                }

                if (_ahead is null)
                {
                    _isAsked = true;
                    break;
                }

                ahead = _ahead;
            }

            await ahead.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        var isMoreWanted = false;
        try
        {
            var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (!buffer.IsEmpty)
                isMoreWanted = look(buffer.Span[..read]);
            return read;
        }
        finally
        {
            lock (_gate)
                _isAsked = false;
            // The caller may be about to write for a long time.
            if (isMoreWanted)
                Begin();
        }
    }

    private int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _to - _from);
        _buffer.AsSpan(_from, count).CopyTo(buffer);
        _from += count;
        // A read that is under way fills the rest of the buffer.
        if (_from == _to && _ahead is null)
            (_from, _to) = (0, 0);
        return count;
    }

    /// <summary>Reads once, and begins the next read if that is wanted; keeps an exception for the caller that asks.</summary>
    private async Task FillAsync()
    {
        // Not under the lock: what is read may end the sending at once.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var read = 0;
        var isMoreWanted = false;
        ExceptionDispatchInfo? error = null;
        try
        {
            var reading = inner.ReadAsync(_buffer.AsMemory(_to));
            _isStarting = reading.IsCompleted;
            read = await reading.ConfigureAwait(false);
            _isStarting = true;
            isMoreWanted = look(_buffer.AsSpan(_to, read));
        }
        catch (Exception exception)
        {
            error = ExceptionDispatchInfo.Capture(exception);
        }

        lock (_gate)
        {
            _to += read;
            _error = error;
            _isOver = read == 0;
            _isStarting = isMoreWanted && _to < Size;
            _ahead = _isStarting ? FillAsync() : null;
        }
    }
}
