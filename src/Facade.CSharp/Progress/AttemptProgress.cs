using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Progress;

/// <summary>
/// The reports of one attempt, which only ever grow. A transport may be at its body still when the attempt is over
/// (the server refused it early), or send it again: neither is reported.
/// </summary>
internal sealed class AttemptProgress : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IProgress<ExportProgress> _progress;
    private readonly string _artifact;
    private readonly PutRequest _put;

    /// <summary>The caller's, in which nothing tells of the request that is under way.</summary>
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private long _told;
    private bool _isOver;

    private AttemptProgress(IProgress<ExportProgress> progress, string artifact, PutRequest put)
    {
        _progress = progress;
        _artifact = artifact;
        _put = put;
        Report();
    }

    /// <summary>Tells of an attempt with no byte sent; null without a receiver.</summary>
    internal static AttemptProgress? Begin(
        IProgress<ExportProgress>? progress,
        PushPlan plan,
        PutRequest put
    ) => progress is null ? null : new(progress, ArtifactNameModule.Value(plan.Artifact), put);

    /// <summary>Reports the wait before the next attempt, if the push waits.</summary>
    internal static void Wait(IProgress<ExportProgress>? progress, PushPlan plan, State state, long length)
    {
        if (progress is null || Push.RetryWait(state) is not { Value: var wait })
            return;

        progress.Report(
            new(ArtifactNameModule.Value(plan.Artifact), wait.NextAttempt, 0, length)
            {
                RetryWait = new ExportRetryWait(wait.Reason, wait.Until),
            }
        );
    }

    /// <summary>Reports how many bytes are out, if a report is due.</summary>
    internal void Sent(long bytes)
    {
        lock (_gate)
        {
            if (_isOver || !ProgressRate.IsDue(_put.Length, _told, bytes))
                return;
            _told = bytes;
            if (_context is null)
                Report();
            else
                ExecutionContext.Run(_context, static self => ((AttemptProgress)self!).Report(), this);
        }
    }

    /// <summary>Nothing is reported from here on.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isOver = true;
    }

    private void Report() => _progress.Report(new(_artifact, _put.Attempt, _told, _put.Length));
}
