namespace CellOS.Export.S3.Http;

/// <summary>
/// Ends an attempt in which no byte moves for so long. It starts with the first sign of a connection: until then the
/// connect timeout has the word. While the client waits for <c>100 Continue</c> it does not count: that wait has a limit
/// of its own. One timer runs for each attempt, and only looks whether something moved since; what
/// moves many times a second merely notes the time.
/// </summary>
internal sealed class StallWatch : IAsyncDisposable
{
    private static readonly Action Nothing = static () => { };

    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _attempt;
    private readonly ITimer? _timer;
    private long _movedAt;
    private int _hasBegun;
    private volatile bool _hasStruck;
    private volatile bool _awaitsContinue;

    /// <param name="limit">The longest time in which nothing moves; null for no limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="attempt">Cancelled when the limit strikes.</param>
    /// <param name="awaitsContinue">Whether the request waits for <c>100 Continue</c> (RFC 9110, 10.1.1).</param>
    internal StallWatch(
        TimeSpan? limit,
        TimeProvider time,
        CancellationTokenSource attempt,
        bool awaitsContinue = false
    )
    {
        _awaitsContinue = awaitsContinue;
        _time = time;
        _limit = limit ?? Timeout.InfiniteTimeSpan;
        _attempt = attempt;
        Moved = limit is null ? Nothing : Note;
        if (limit is not null)
            _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether the limit ended the attempt.</summary>
    internal bool HasStruck => _hasStruck;

    /// <summary>To be called when a byte moved, or is about to for the first time.</summary>
    internal Action Moved { get; }

    /// <summary>The wait for <c>100 Continue</c> is over: the body or the final response begins.</summary>
    internal void Continue()
    {
        _awaitsContinue = false;
        Moved();
    }

    private void Note()
    {
        if (_awaitsContinue)
            return;

        Interlocked.Exchange(ref _movedAt, _time.GetTimestamp());
        if (Volatile.Read(ref _hasBegun) == 0 && Interlocked.Exchange(ref _hasBegun, 1) == 0)
            _timer!.Change(_limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>After this the limit does not strike any more; a look that is under way has ended.</summary>
    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Look()
    {
        var left = _limit - _time.GetElapsedTime(Interlocked.Read(ref _movedAt));
        if (left > TimeSpan.Zero)
            // Timers count whole milliseconds: less than one would be none, over and over.
            _timer!.Change(
                TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)),
                Timeout.InfiniteTimeSpan
            );
        else if (!_attempt.IsCancellationRequested)
        {
            _hasStruck = true;
            _attempt.Cancel();
        }
    }
}
