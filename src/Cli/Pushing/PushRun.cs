using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Receipts;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>The push itself: target by target, several artifacts at once.</summary>
internal sealed class PushRun(
    ExportSinks sinks,
    ResultLines lines,
    UploadMarks? marks,
    IPushDisplay display,
    PushArguments arguments
)
{
    /// <summary>Takes each receipt, when it has been written.</summary>
    internal Action<ExportReceipt> Exported { get; init; } = _ => { };

    /// <summary>Takes each result of a target, before it is written.</summary>
    internal Action<string, ExportResult> Ended { get; init; } = (_, _) => { };

    /// <summary>Called before an artifact of a target is exported. Null for nothing.</summary>
    internal Func<string, ExportArtifact, ValueTask>? Starting { get; init; } =
        marks is { } given ? (target, artifact) => given.StartAsync(target, artifact.Name) : null;

    /// <summary>Returns the sink of a target.</summary>
    internal Func<string, IBatchSink> SinkOf { get; init; } = sinks.Of;

    /// <summary>True once something may have been sent.</summary>
    internal bool HasBegun { get; private set; }

    /// <param name="artifacts">All that was asked for.</param>
    /// <param name="done">What has a receipt already.</param>
    /// <param name="cancellationToken">Ends it; what is stored by then gets its receipt.</param>
    /// <exception cref="RefusedException">A batch cannot be sent, such as two artifacts over one exact URL; nothing was sent.</exception>
    /// <exception cref="IOException">Receipts or results cannot be written any more; no further artifact was begun.</exception>
    internal async Task RunAsync(
        IReadOnlyList<PlannedArtifact> artifacts,
        IReadOnlySet<PlannedArtifact> done,
        CancellationToken cancellationToken
    )
    {
        var rest = artifacts.Where(artifact => !done.Contains(artifact));
        // All of them are checked before the first one begins.
        var batches = rest.GroupBy(artifact => artifact.Target)
            .Select(group => Batch(group.Key, [.. group], cancellationToken))
            .ToList();
        HasBegun = true;
        display.Started(artifacts.Count, Amounts.Sum(artifacts.Select(artifact => artifact.Length)));
        foreach (var artifact in artifacts)
        {
            if (done.Contains(artifact))
                display.Skipped(Label(artifact.Target, artifact.Name), artifact.Length);
        }

        foreach (var batch in batches)
        // The worker that ended an artifact has written its result.
        await foreach (var _ in batch) { }
    }

    private IAsyncEnumerable<ExportResult> Batch(
        string target,
        IReadOnlyList<PlannedArtifact> artifacts,
        CancellationToken cancellationToken
    )
    {
        var options = new ExportBatchOptions
        {
            MaxConcurrency = arguments.Concurrency,
            Progress = new Reports(report =>
            {
                var label = Label(target, report.ArtifactName);
                if (report.RetryWait is { } wait)
                    display.Waits(label, report.Attempt, report.Length, wait);
                else
                    display.BytesMoved(label, report.Attempt, report.BytesSent, report.Length);
            }),
            OnStarting = Starting is { } starting ? artifact => starting(target, artifact) : null,
            OnCompleted = async (result, _) =>
            {
                Ended(target, result);
                result.Artifact.Source.Watch?.IsReceipted = result.IsExported;
                await lines.AddAsync(Label(target, result.Artifact.Name), result);
                if (result.IsExported)
                    Exported(result.Receipt);
                if (marks is not null && !result.IsExported)
                    await marks.FailAsync(target, result.Artifact.Name, result.Failure);
            },
        };
        try
        {
            return SinkOf(target)
                .PushManyAsync(
                    artifacts.Select(artifact => new ExportArtifact(
                        artifact.Name,
                        artifact.Source.Path,
                        artifact.Metadata ?? arguments.Metadata
                    )
                    {
                        Source = artifact.Source,
                    }),
                    options,
                    cancellationToken
                );
        }
        catch (ArgumentException exception)
        {
            throw RefusedException.Of(exception);
        }
    }

    private string Label(string target, string name) =>
        sinks.Places == 1 ? Core.Shown.Artifact(name)
        : target.Length == 0 ? $"default: {Core.Shown.Artifact(name)}"
        : $"{target}: {Core.Shown.Artifact(name)}";

    /// <summary>Reports at once, in their order; Progress&lt;T&gt; may change it.</summary>
    private sealed class Reports(Action<ExportProgress> report) : IProgress<ExportProgress>
    {
        public void Report(ExportProgress value) => report(value);
    }
}
