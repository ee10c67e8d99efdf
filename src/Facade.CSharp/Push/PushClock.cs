namespace CellOS.Export.S3;

/// <summary>
/// The time of one push: the wall clock's when it began, and from there on the time that passed, so that a clock
/// that is set in the middle moves neither a deadline nor a wait.
/// </summary>
internal sealed class PushClock(TimeProvider time)
{
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private readonly long _timestamp = time.GetTimestamp();

    internal DateTimeOffset Now
    {
        get
        {
            var elapsed = time.GetElapsedTime(_timestamp);
            return elapsed < DateTimeOffset.MaxValue - _start ? _start + elapsed : DateTimeOffset.MaxValue;
        }
    }

    /// <summary>Goes off at the given time; never if that is null.</summary>
    internal CancellationTokenSource LimitUntil(DateTimeOffset? until)
    {
        if (until is not { } end)
            return new CancellationTokenSource();

        var left = end - Now;
        return new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
    }

    internal Task WaitUntilAsync(DateTimeOffset until, CancellationToken cancellationToken)
    {
        var left = until - Now;
        return left > TimeSpan.Zero ? Task.Delay(left, time, cancellationToken) : Task.CompletedTask;
    }
}
