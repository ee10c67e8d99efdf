using System.Diagnostics;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Telemetry;

/// <summary>
/// The span of one push, named as the conventions for AWS SDK clients name a <c>PutObject</c>. It is the current
/// activity of the flow that makes it.
/// </summary>
internal sealed class PushSpan
{
    private const string Name = "S3.PutObject";
    private const string HttpName = "PUT";
    private const string AttemptEvent = "cellos.export.attempt";

    private readonly Activity _activity;

    private PushSpan(Activity activity) => _activity = activity;

    /// <summary>The span of a push that begins now; null if no listener wants it.</summary>
    internal static PushSpan? Create(ActivitySource source, PushPlan plan, string? target, DateTimeOffset now)
    {
        if (!source.HasListeners())
            return null;

        // What a sampler may decide by is there from the beginning.
        List<KeyValuePair<string, object?>> tags =
        [
            .. OfStore(plan),
            new(Tag.Method, "PUT"),
            new(Tag.CellId, CellIdModule.Value(plan.Target.CellId)),
            new(Tag.Artifact, ArtifactNameModule.Value(plan.Artifact)),
        ];
        if (plan.Target.Region is { Value: var region })
            tags.Add(new(Tag.Region, region));
        if (target is not null)
            tags.Add(new(Tag.Target, target));
        var activity = source.CreateActivity(
            plan.Target.Kind.IsS3 ? Name : HttpName,
            ActivityKind.Client,
            default(ActivityContext),
            tags
        );
        return activity is null ? null : new PushSpan(activity.SetStartTime(now.UtcDateTime));
    }

    /// <summary>The tags of a call of an AWS service; none for another endpoint.</summary>
    private static IEnumerable<KeyValuePair<string, object?>> OfStore(PushPlan plan) =>
        plan.Target.Bucket is { Value: var bucket }
            ?
            [
                new(Tag.RpcSystem, "aws-api"),
                new(Tag.RpcMethod, "S3/PutObject"),
                new(Tag.Bucket, BucketModule.Value(bucket)),
                new(Tag.Key, ObjectKeyModule.Value(plan.Key)),
            ]
            : [];

    internal void Start() => _activity.Start();

    /// <summary>Tells of an attempt that has ended.</summary>
    internal void Attempted(int number, AttemptReport report, long bytes, DateTimeOffset now)
    {
        if (!_activity.IsAllDataRequested)
            return;

        var tags = new ActivityTagsCollection { { Tag.AttemptNumber, number }, { Tag.AttemptBytes, bytes } };
        if (report.Status is { Value: var status })
            tags.Add(Tag.Status, status);
        if (report.ErrorType is { Value: var error })
            tags.Add(Tag.ErrorType, error);
        if (report.Code is { Value: var code })
            tags.Add(Tag.ErrorCode, code);
        if (report.RequestId is { Value: var requestId })
            tags.Add(Tag.RequestId, requestId);
        if (report.HostId is { Value: var hostId })
            tags.Add(Tag.HostId, hostId);
        _activity.AddEvent(new ActivityEvent(AttemptEvent, now, tags));
    }

    /// <summary>Tells how it ended, and ends the span.</summary>
    internal void End(PushEnd end, int attempts, AttemptReport? last, Uri? server, DateTimeOffset now)
    {
        if (_activity.IsAllDataRequested)
            Describe(end, attempts, last, server);
        _activity.SetEndTime(now.UtcDateTime);
        _activity.Stop();
    }

    private void Describe(PushEnd end, int attempts, AttemptReport? last, Uri? server)
    {
        _activity.SetTag(Tag.Outcome, end.Outcome);
        _activity.SetTag(Tag.Attempts, attempts);
        if (attempts > 1)
            _activity.SetTag(Tag.Resends, attempts - 1);
        if (server is not null)
        {
            _activity.SetTag(Tag.Server, server.IdnHost);
            _activity.SetTag(Tag.Port, server.Port);
        }

        // What is null is not set.
        _activity.SetTag(Tag.Status, last?.Status?.Value);
        _activity.SetTag(Tag.RequestId, last?.RequestId?.Value);
        _activity.SetTag(Tag.HostId, last?.HostId?.Value);
        _activity.SetTag(Tag.Bytes, end.Receipt?.BytesWritten);
        _activity.SetTag(Tag.Integrity, end.Receipt?.Integrity);
        if (end.Receipt is { Checksums: var checksums })
            foreach (var (name, value) in checksums)
                _activity.SetTag(Tag.Checksum + name, value);
        _activity.SetTag(Tag.ErrorType, end.ErrorType);
        _activity.SetTag(Tag.ErrorCode, end.Failure?.ErrorCode);
        _activity.SetTag(Tag.MayBeStored, end.Failure?.MayBeStored);
        if (end.ErrorType is not null)
            _activity.SetStatus(ActivityStatusCode.Error, end.Failure?.Message);
    }
}
