using System.Diagnostics;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Progress;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Telemetry;

/// <summary>
/// Tells listeners of one push; without a listener it is not made. A listener that throws costs what it would have
/// been told, and not the receipt of an object that has been stored.
/// </summary>
/// <param name="instruments">What they listen to.</param>
/// <param name="plan">What goes where.</param>
/// <param name="clock">The time of the push.</param>
/// <param name="reports">Also receives the progress; may be null.</param>
/// <param name="logger">Told of the first listener that throws.</param>
internal sealed class PushTelemetry(
    Instruments instruments,
    PushPlan plan,
    PushClock clock,
    GuardedProgress? reports,
    ILogger logger
) : IProgress<ExportProgress>
{
    private readonly string? _target = plan.Target.Name is { Value: var name }
        ? TargetNameModule.Value(name)
        : null;
    private readonly DateTimeOffset _began = clock.Now;
    private PushSpan? _span;

    /// <summary>How many requests were begun.</summary>
    private int _attempts;

    /// <summary>How many have ended by themselves: not one that the caller cancelled.</summary>
    private int _ended;
    private AttemptReport? _last;
    private Uri? _server;
    private long _bytes;
    private bool _isBroken;

    /// <summary>Makes the span the current activity of the calling flow, if one is wanted.</summary>
    internal void Begin()
    {
        try
        {
            _span = PushSpan.Create(instruments.Source, plan, _target, _began);
            _span?.Start();
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>Notes that an attempt begins.</summary>
    internal void Begin(PutRequest put)
    {
        _attempts = put.Attempt;
        _server = RequestUrlModule.RevealUri(put.Url);
    }

    /// <summary>Notes how far the body of the attempt is: 0 bytes first.</summary>
    public void Report(ExportProgress value)
    {
        Interlocked.Exchange(ref _bytes, value.BytesSent);
        reports?.Report(value);
    }

    /// <summary>Tells of an attempt that has ended.</summary>
    /// <param name="put">What was asked for.</param>
    /// <param name="state">The state that asked for it.</param>
    /// <param name="outcome">What came of it.</param>
    internal void Ended(PutRequest put, State state, Outcome outcome)
    {
        _ended = put.Attempt;
        _last = AttemptReportModule.Create(state, outcome);
        Tell(_last);
    }

    /// <summary>Tells of the end.</summary>
    internal void End(PushEnd end)
    {
        if (_ended < _attempts)
            Tell(_last = AttemptReportModule.CutShort(CoreMapping.ToOption(end.ErrorType)));
        var now = clock.Now;
        try
        {
            instruments.Pushes.Add(1, Tags(end.Outcome, null));
            if (end.ErrorType is not null)
                instruments.Failures.Add(1, Tags(null, end.ErrorType));
            instruments.Duration.Record((now - _began).TotalSeconds, Tags(end.Outcome, end.ErrorType));
        }
        catch (Exception exception)
        {
            Break(exception);
        }

        try
        {
            _span?.End(end, _attempts, _last, _server, now);
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    private void Tell(AttemptReport attempt)
    {
        var bytes = Interlocked.Read(ref _bytes);
        try
        {
            var tags = Tags(null, attempt.ErrorType?.Value);
            instruments.Sent.Add(bytes, tags);
            if (attempt.Status is { Value: var status })
                tags.Add(Tag.Status, status);
            instruments.Attempts.Add(1, tags);
            _span?.Attempted(_attempts, attempt, bytes, clock.Now);
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>Few values each: a metric has as many time series as there are combinations.</summary>
    private TagList Tags(string? outcome, string? errorType)
    {
        var tags = new TagList();
        if (_target is not null)
            tags.Add(Tag.Target, _target);
        if (outcome is not null)
            tags.Add(Tag.Outcome, outcome);
        if (errorType is not null)
            tags.Add(Tag.ErrorType, errorType);
        return tags;
    }

    /// <summary>Its type alone: what it says is the listener's own.</summary>
    private void Break(Exception exception)
    {
        if (_isBroken)
            return;
        _isBroken = true;
        Log.TelemetryFailed(logger, ArtifactNameModule.Value(plan.Artifact), exception.GetType().Name);
    }
}
