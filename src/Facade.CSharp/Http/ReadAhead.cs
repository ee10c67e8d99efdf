using System.Runtime.ExceptionServices;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Reads from a connection before anybody asks for it, so that an answer is seen while the body is still being sent.
/// It reads once, and only a little: the head of an answer. At any time at most one read is under way.
/// </summary>
internal sealed class ReadAhead(Stream inner)
{
    internal delegate void Look(ReadOnlySpan<byte> read);

    /// <summary>Some status line and a header or two.</summary>
    private const int Size = 512;

    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[Size];

    /// <summary>Null when nothing is under way and nothing is left.</summary>
    private Task? _ahead;
    private bool _isReading;
    private int _from;
    private int _to;
    private ExceptionDispatchInfo? _error;

    /// <summary>Begins to read, unless somebody does or there is something left.</summary>
    internal void Begin(Look look)
    {
        lock (_gate)
        {
            if (_isReading || _ahead is not null)
                return;

            _ahead = ReadAsync(look);
        }
    }

    /// <summary>What was read ahead, or what comes next.</summary>
    internal async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        Look look,
        CancellationToken cancellationToken
    )
    {
        Task? ahead;
        lock (_gate)
        {
            ahead = _ahead;
            _isReading = ahead is null;
        }

        if (ahead is null)
        {
            try
            {
                var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (!buffer.IsEmpty)
                    look(buffer.Span[..read]);
                return read;
            }
            finally
            {
                lock (_gate)
                    _isReading = false;
            }
        }

        await ahead.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _error?.Throw();
            var count = Math.Min(buffer.Length, _to - _from);
            _buffer.AsSpan(_from, count).CopyTo(buffer.Span);
            _from += count;
            // The end of the stream stays.
            if (_from == _to && _to > 0)
                (_ahead, _from, _to) = (null, 0, 0);
            return count;
        }
    }

    private async Task ReadAsync(Look look)
    {
        // Not under the lock: what is read may end the sending at once.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            _to = await inner.ReadAsync(_buffer).ConfigureAwait(false);
            look(_buffer.AsSpan(0, _to));
        }
        catch (Exception exception)
        {
            _error = ExceptionDispatchInfo.Capture(exception);
        }
    }
}
