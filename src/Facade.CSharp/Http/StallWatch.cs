namespace CellOS.Export.S3.Http;

/// <summary>
/// Ends an attempt in which no byte moves for so long. It starts with the first sign of a connection: until then the
/// connect timeout has the word. One timer runs for each attempt, and only looks whether something moved since; what
/// moves many times a second merely notes the time.
/// </summary>
internal sealed class StallWatch : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _struck = new();
    private readonly ITimer? _timer;
    private long _movedAt;
    private int _hasBegun;

    /// <param name="limit">The longest time in which nothing moves; null for no limit.</param>
    /// <param name="time">The clock.</param>
    internal StallWatch(TimeSpan? limit, TimeProvider time)
    {
        _time = time;
        _limit = limit ?? Timeout.InfiniteTimeSpan;
        if (limit is not null)
            _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the limit strikes.</summary>
    internal CancellationToken Token => _struck.Token;

    /// <summary>A byte moved, or is about to for the first time.</summary>
    internal void Moved()
    {
        if (_timer is null)
            return;

        Interlocked.Exchange(ref _movedAt, _time.GetTimestamp());
        if (Volatile.Read(ref _hasBegun) == 0 && Interlocked.Exchange(ref _hasBegun, 1) == 0)
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>After this the limit does not strike any more; a look that is under way has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
            await _timer.DisposeAsync().ConfigureAwait(false);
        _struck.Dispose();
    }

    private void Look()
    {
        var left = _limit - _time.GetElapsedTime(Interlocked.Read(ref _movedAt));
        if (left > TimeSpan.Zero)
            // Timers count whole milliseconds: less than one would be none, over and over.
            _timer!.Change(
                TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)),
                Timeout.InfiniteTimeSpan
            );
        else
            _struck.Cancel();
    }
}
