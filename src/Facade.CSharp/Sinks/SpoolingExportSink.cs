using System.Runtime.CompilerServices;
using CellOS.Export.S3.Batch;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Spooling;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>
/// Keeps the artifacts of another sink whose export failed for a temporary reason: <see cref="ExportFailureKind.Unreachable"/>,
/// <see cref="ExportFailureKind.Unavailable"/>, <see cref="ExportFailureKind.TimedOut"/>,
/// <see cref="ExportFailureKind.DeadlineExceeded"/> and <see cref="ExportFailureKind.UrlExpired"/>. The push still throws the
/// failure, with <see cref="ExportException.IsSpooled"/>: the artifact is copied into the spool by then, complete and on disk, and
/// <see cref="DrainAsync"/> or <c>cellos-export-s3 drain</c> exports it later. Sinks whose environment names a spool
/// (<c>CELLOS_EXPORT_S3_SPOOL_DIR__…</c>) do this by themselves. Any number of threads and processes may use one spool at once.
/// It needs Linux.
/// </summary>
public sealed class SpoolingExportSink : IBatchSink
{
    private readonly IExportSink _inner;
    private readonly Spooler _spooler;
    private readonly SpoolTarget _target;
    private readonly SpoolInner _self;
    private readonly ILogger _logger;

    /// <summary>A sink around another one.</summary>
    /// <param name="inner">The sink that exports. This sink does not dispose of it.</param>
    /// <param name="options">Where artifacts are kept, and for which cell and target.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told what is kept and what is not. None if null.</param>
    /// <exception cref="ArgumentException">
    /// One or more options are not valid, or are not those of an inner sink of this library; the message names all of them.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public SpoolingExportSink(
        IExportSink inner,
        SpoolingExportSinkOptions options,
        TimeProvider? timeProvider = null,
        ILogger<SpoolingExportSink>? logger = null
    )
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(options);
        _inner = inner;
        _target = CoreMapping.Accept(
            SpoolTargetModule.Check(
                CoreMapping.ToOption((inner as IBatchSink)?.Inner),
                CoreMapping.ToCore(inner.TargetKind),
                options.TargetName,
                options.CellId,
                options.Folder,
                CoreMapping.ToOption(options.MaxBytes)
            ),
            nameof(options)
        );
        _logger = logger is null ? NullLogger.Instance : new GuardedLogger(logger);
        _self = new SpoolInner(
            _target.Name,
            _target.CellId,
            (inner as IBatchSink)?.Inner.AsksCommand == true
        );
        _spooler = SpoolerFactory.Create(
            _target.Settings,
            _target.Kind,
            _self,
            timeProvider ?? TimeProvider.System,
            _logger
        )!;
    }

    /// <inheritdoc />
    public ExportTargetKind TargetKind => _inner.TargetKind;

    /// <inheritdoc />
    public string DestinationHint(string name) => _inner.DestinationHint(name);

    // The constructor has rejected every other system.
#pragma warning disable CA1416

    /// <inheritdoc />
    /// <exception cref="ExportException">
    /// The artifact was not exported. <see cref="ExportException.IsSpooled"/> says whether it is kept; if the spool did not keep
    /// it, the message says why.
    /// </exception>
    public Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    ) => PushAsync(new ExportArtifact(name, path, metadata), null, cancellationToken);

    /// <summary>Exports one artifact, and reports how far it is, as the inner sink does.</summary>
    /// <param name="artifact">The file and its name.</param>
    /// <param name="progress">Told how far the artifact is. Null for none.</param>
    /// <param name="cancellationToken">Ends the export without a receipt; then nothing is kept.</param>
    /// <exception cref="ArgumentException">The name or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">
    /// The artifact was not exported. <see cref="ExportException.IsSpooled"/> says whether it is kept; if the spool did not keep
    /// it, the message says why.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(artifact.Name, nameof(artifact));
        ArgumentNullException.ThrowIfNull(artifact.Path, nameof(artifact));
        return _spooler.PushAsync(
            CoreMapping.Accept(ArtifactNameModule.Create(artifact.Name), nameof(artifact)),
            artifact.Source,
            artifact.Metadata,
            () => _inner.PushAsync(artifact, progress, cancellationToken),
            cancellationToken
        );
    }

    /// <summary>
    /// Exports many artifacts, several at once, as <see cref="PresignedS3ExportSink.PushManyAsync"/> does.
    /// </summary>
    /// <param name="artifacts">The artifacts: each with a name of its own.</param>
    /// <param name="options">How many at once, and what receives progress and results; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the batch.</param>
    /// <exception cref="ArgumentException">Artifacts or options are not valid: the message tells all of it, up to 50.</exception>
    public IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options = null,
        CancellationToken cancellationToken = default
    ) => BatchRun.Start(artifacts, options, BatchDraftModule.ProblemsOfAnySink, PushAsync, cancellationToken);

    RequestUrl? IBatchSink.KnownUrl(string name) => (_inner as IBatchSink)?.KnownUrl(name);

    SpoolInner IBatchSink.Inner => _self;

    string? IBatchSink.UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        (_inner as IBatchSink)?.UnfitHeaders(name, metadata);

    /// <summary>
    /// Exports what the spool keeps of this sink: its kind of target, its target and its cell. An entry is removed when
    /// <see cref="ExportBatchOptions.OnCompleted"/> has returned for its receipt, so write the receipt to disk there; without it,
    /// when there is a receipt. What fails stays. An artifact that was exported since it was spooled is not exported again, and
    /// gives the receipt of that export.
    /// </summary>
    /// <param name="options">How many at once, and what receives progress and results; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the drain; what is left stays.</param>
    /// <returns>
    /// A result for each entry: a receipt, or a failure. An entry that cannot be read is named by its folder. If the drain ends
    /// early, what has no result stays.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// <see cref="ExportBatchOptions.MaxConcurrency"/> is not valid; nothing was exported or removed.
    /// </exception>
    /// <exception cref="IOException">The spool cannot be used, or another process drains it.</exception>
    public IAsyncEnumerable<ExportResult> DrainAsync(
        ExportBatchOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var chosen = options ?? new ExportBatchOptions();
        var problems = BatchDraftModule.OnConcurrency(chosen.MaxConcurrency);
        return problems.IsEmpty
            ? DrainEachAsync(chosen, cancellationToken)
            : throw new ArgumentException(BatchDraftModule.Message(problems), nameof(options));
    }

    private async IAsyncEnumerable<ExportResult> DrainEachAsync(
        ExportBatchOptions chosen,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var scope = new DrainScope(
            ListModule.OfSeq([new DrainSink(_target.Name, _target.Kind)]),
            FSharpOption<DrainTarget>.Some(
                new DrainTarget(_target.Name, FSharpOption<TargetKind>.Some(_target.Kind))
            ),
            FSharpOption<CellId>.Some(_target.CellId)
        );
        var (opened, listed) = Open(scope, cancellationToken);
        using var drain = opened;
        if (drain is null)
            yield break;

        var items = new Dictionary<ExportArtifact, SpoolItem>(ReferenceEqualityComparer.Instance);
        foreach (var item in listed)
            if (!item.Step.IsLeave)
                items.Add(drain.Artifact(item), item);
        var results = BatchRun.Start(
            items.Keys,
            new ExportBatchOptions
            {
                MaxConcurrency = chosen.MaxConcurrency,
                Progress = chosen.Progress,
                OnCompleted = async (result, token) =>
                {
                    if (chosen.OnCompleted is { } onCompleted)
                        await onCompleted(result, token).ConfigureAwait(false);
                    // What cannot be removed has a receipt, and is exported once more.
                    if (result.IsExported && drain.Complete(items[result.Artifact].Entry) is { } stays)
                        Log.SpoolFaulted(_logger, stays.Message);
                },
            },
            batch => BatchDraftModule.OnConcurrency(batch.Concurrency),
            (artifact, progress, cancellation) =>
                drain.ExportAsync(
                    items[artifact],
                    scope,
                    copy => _inner.PushAsync(copy, progress, cancellation),
                    cancellation
                ),
            cancellationToken
        );
        await foreach (var result in results.ConfigureAwait(false))
            yield return result;
    }

    /// <summary>Opens and lists the spool; null and nothing if it is not there.</summary>
    /// <exception cref="IOException">The spool cannot be used.</exception>
    private (SpoolDrain? Drain, IReadOnlyList<SpoolItem> Items) Open(
        DrainScope scope,
        CancellationToken cancellationToken
    )
    {
        SpoolDrain? drain = null;
        try
        {
            drain = SpoolDrain.TryOpen(LocalExportSink.AbsolutePath(_target.Settings.Folder)!);
            var opened = (drain, drain?.List(scope, cancellationToken) ?? []);
            drain = null;
            return opened;
        }
        catch (SpoolRefusedException refused)
        {
            throw new IOException(refused.Message);
        }
        finally
        {
            drain?.Dispose();
        }
    }
#pragma warning restore CA1416
}
