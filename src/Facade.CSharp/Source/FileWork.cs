using System.Threading.Tasks.Sources;

namespace CellOS.Export.S3.Source;

/// <summary>
/// What may hang (the server of a network file system is gone), done on a thread that may be left behind. It is done
/// once at a time, and any number of times, at no cost but the thread's.
/// </summary>
internal abstract class FileWork : IThreadPoolWorkItem, IValueTaskSource
{
    private const int Idle = 0;
    private const int Running = 1;
    private const int Abandoned = 2;

    private ManualResetValueTaskSourceCore<bool> _result;
    private CancellationTokenRegistration _registration;
    private int _state;

    /// <summary>Ends what can be ended.</summary>
    protected CancellationToken Cancellation { get; private set; }

    /// <summary>
    /// Whether it is under way, although perhaps no caller waits for it any more: nothing that it uses may be used again.
    /// </summary>
    protected bool IsUnderWay => Volatile.Read(ref _state) != Idle;

    /// <summary>The work.</summary>
    protected abstract void Perform();

    /// <summary>Begins the work; not while it is under way, and not before <see cref="EndAsync"/> of the last time.</summary>
    protected void Begin(CancellationToken cancellationToken)
    {
        _result.Reset();
        Cancellation = cancellationToken;
        Volatile.Write(ref _state, Running);
        _registration = cancellationToken.UnsafeRegister(static self => ((FileWork)self!).GiveUp(), this);
        // Mostly the thread that asks has nothing else to do, and takes it up itself.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    /// <summary>Waits until it is done, and goes on with its thread. To be asked for once.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    protected ValueTask EndAsync() => new(this, _result.Version);

    void IThreadPoolWorkItem.Execute()
    {
        Exception? error = null;
        try
        {
            Perform();
        }
        catch (Exception exception)
        {
            error = exception;
        }

        if (Interlocked.CompareExchange(ref _state, Idle, Running) != Running)
            return;
        if (error is null)
            _result.SetResult(true);
        else
            _result.SetException(error);
    }

    private void GiveUp()
    {
        if (Interlocked.CompareExchange(ref _state, Abandoned, Running) != Running)
            return;

        // The thread that cancels is not the one to go on.
        _result.RunContinuationsAsynchronously = true;
        _result.SetException(new OperationCanceledException(Cancellation));
    }

    void IValueTaskSource.GetResult(short token)
    {
        _registration.Unregister();
        _result.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _result.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _result.OnCompleted(continuation, state, token, flags);
}
