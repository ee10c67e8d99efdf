using System.Runtime.Versioning;
using CellOS.Export.S3.Batch;
using CellOS.Export.S3.Cli.Receipts;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Spooling;

namespace CellOS.Export.S3.Cli.Draining;

/// <summary>The sink of a target, which exports the copies of a spool under the locks of their entries.</summary>
/// <param name="inner">The sink.</param>
/// <param name="target">The name of its target.</param>
/// <param name="part">The entries.</param>
/// <param name="scope">What is drained.</param>
/// <param name="marks">Takes note of each upload before it starts; null for none.</param>
[SupportedOSPlatform("linux")]
internal sealed class DrainingSink(
    IBatchSink inner,
    string target,
    DrainPart part,
    DrainScope scope,
    UploadMarks? marks
) : IBatchSink
{
    public ExportTargetKind TargetKind => inner.TargetKind;

    public string DestinationHint(string name) => inner.DestinationHint(name);

    public RequestUrl? KnownUrl(string name) => inner.KnownUrl(name);

    public SpoolInner Inner => inner.Inner;

    public string? UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        inner.UnfitHeaders(name, metadata);

    public Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    ) =>
        part.Drain.ExportAsync(
            part.ItemOf(target, artifact.Name),
            scope,
            async copy =>
            {
                if (marks is not null)
                    await marks.StartAsync(target, artifact.Name);
                return await inner.PushAsync(copy, progress, cancellationToken);
            },
            cancellationToken
        );

    public IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options,
        CancellationToken cancellationToken
    ) =>
        BatchRun.Start(
            artifacts,
            options,
            batch => BatchDraftModule.OnConcurrency(batch.Concurrency),
            PushAsync,
            cancellationToken
        );
}
