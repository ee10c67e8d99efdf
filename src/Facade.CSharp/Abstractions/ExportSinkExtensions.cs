using CellOS.Export.S3;
using CellOS.Export.S3.Batch;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Progress;
using Microsoft.Extensions.Logging.Abstractions;

namespace CellOS.Export;

/// <summary>
/// Progress and batches for every <see cref="IExportSink"/>, so that code which needs them takes the interface, and a test gives
/// it a sink of its own. The sinks of this library have these methods themselves.
/// </summary>
public static class ExportSinkExtensions
{
    /// <summary>Exports one artifact, and reports how far it is.</summary>
    /// <param name="sink">The sink.</param>
    /// <param name="artifact">The file and its name.</param>
    /// <param name="progress">
    /// Receives how far the artifact is. A sink of another library gives two reports: 0 bytes before, and the length of the
    /// receipt after. If it throws, the push goes on without further reports. Null for no reports.
    /// </param>
    /// <param name="cancellationToken">Ends the export without a receipt.</param>
    /// <returns>The receipt: the artifact is stored, and as certain as the receipt says.</returns>
    /// <remarks>
    /// A sink of another library gets name, whole path and metadata. That no symbolic link below
    /// <see cref="ExportArtifact.Root"/> is followed is what the sinks of this library promise, and no other.
    /// </remarks>
    /// <exception cref="ArgumentException">The name or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">The artifact was not exported; the exception says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the artifact may have been stored.</exception>
    public static Task<ExportReceipt> PushAsync(
        this IExportSink sink,
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(artifact);
        return sink is IBatchSink own
            ? own.PushAsync(artifact, progress, cancellationToken)
            : ReportedAsync(sink, artifact, progress, cancellationToken);
    }

    /// <summary>
    /// Exports many artifacts, several at once. Each gives one result, a receipt or a failure, as it ends; one failure does not
    /// stop the rest. Artifacts are checked by the call, and the export begins with the enumeration;
    /// <see cref="PresignedS3ExportSink.PushManyAsync"/> has the details.
    /// </summary>
    /// <param name="sink">The sink; its <see cref="IExportSink.PushAsync"/> may be called from several threads at once.</param>
    /// <param name="artifacts">The artifacts: each with a name of its own.</param>
    /// <param name="options">How many at once, and what receives progress and results; null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the batch: no other artifact is begun, those under way are cancelled, and the results that there are come before the
    /// <see cref="OperationCanceledException"/>.
    /// </param>
    /// <returns>The results in the order in which they come.</returns>
    /// <exception cref="ArgumentException">
    /// A name or a piece of metadata is not valid, two artifacts have one name, or an option is not valid: the message
    /// tells all of it, up to 50, and nothing is sent.
    /// </exception>
    public static IAsyncEnumerable<ExportResult> PushManyAsync(
        this IExportSink sink,
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(sink);
        return sink is IBatchSink own
            ? own.PushManyAsync(artifacts, options, cancellationToken)
            : BatchRun.Start(
                artifacts,
                options,
                BatchDraftModule.ProblemsOfAnySink,
                (artifact, progress, cancellation) => ReportedAsync(sink, artifact, progress, cancellation),
                cancellationToken
            );
    }

    private static async Task<ExportReceipt> ReportedAsync(
        IExportSink sink,
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var reports = progress is null ? null : new GuardedProgress(progress, NullLogger.Instance);
        // The length is known from the receipt on.
        reports?.Report(new(artifact.Name, 1, 0, 0));
        var receipt = await sink.PushAsync(
                artifact.Name,
                artifact.Source.Full,
                artifact.Metadata,
                cancellationToken
            )
            .ConfigureAwait(false);
        reports?.Report(
            new(artifact.Name, Math.Max(1, receipt.Attempts), receipt.BytesWritten, receipt.BytesWritten)
        );
        return receipt;
    }
}
