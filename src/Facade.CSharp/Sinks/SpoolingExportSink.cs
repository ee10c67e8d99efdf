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
public sealed class SpoolingExportSink : IExportSink
{
    private readonly IExportSink _inner;
    private readonly Spooler _spooler;
    private readonly SpoolTarget _target;

    /// <summary>A sink around another one.</summary>
    /// <param name="inner">The sink that exports. This sink does not dispose of it.</param>
    /// <param name="options">Where artifacts are kept, and for which cell and target.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told what is kept and what is not. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
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
                CoreMapping.ToCore(inner.TargetKind),
                options.TargetName,
                options.CellId,
                options.Folder,
                CoreMapping.ToOption(options.MaxBytes)
            ),
            nameof(options)
        );
        _spooler = SpoolerFactory.Create(
            _target.Settings,
            _target.Kind,
            _target.Name?.Value,
            _target.CellId,
            timeProvider ?? TimeProvider.System,
            logger is null ? NullLogger.Instance : new GuardedLogger(logger)
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
    )
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(path);
        return _spooler.PushAsync(
            CoreMapping.Accept(ArtifactNameModule.Create(name), nameof(name)),
            path,
            metadata,
            () => _inner.PushAsync(name, path, metadata, cancellationToken),
            cancellationToken
        );
    }

    /// <summary>
    /// Exports what the spool keeps of this sink: its kind of target, its target and its cell. An entry is removed when
    /// <see cref="ExportBatchOptions.OnCompleted"/> has returned for its receipt, so write the receipt to disk there; without it,
    /// when there is a receipt. What fails stays. An artifact that was exported since it was spooled is not exported again, and
    /// gives the receipt of that export.
    /// </summary>
    /// <param name="options">How many at once, and what receives results; null for the defaults. Progress is not reported.</param>
    /// <param name="cancellationToken">Ends the drain; what is left stays.</param>
    /// <returns>
    /// A result for each entry: a receipt, or a failure. An entry that cannot be read is named by its folder. If the drain ends
    /// early, what has no result stays.
    /// </returns>
    /// <exception cref="IOException">The spool cannot be used, or another process drains it.</exception>
    public async IAsyncEnumerable<ExportResult> DrainAsync(
        ExportBatchOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var chosen = options ?? new ExportBatchOptions();
        using var drain = Open();
        if (drain is null)
            yield break;

        var scope = new DrainScope(
            ListModule.OfSeq([new DrainSink(_target.Name, _target.Kind)]),
            FSharpOption<DrainTarget>.Some(
                new DrainTarget(_target.Name, FSharpOption<TargetKind>.Some(_target.Kind))
            ),
            FSharpOption<CellId>.Some(_target.CellId)
        );
        var items = new Dictionary<ExportArtifact, SpoolItem>(ReferenceEqualityComparer.Instance);
        foreach (var item in await drain.ListAsync(scope, cancellationToken).ConfigureAwait(false))
            if (!item.Step.IsLeave)
                items.Add(drain.Artifact(item), item);
        var results = BatchRun.Start(
            items.Keys,
            new ExportBatchOptions
            {
                MaxConcurrency = chosen.MaxConcurrency,
                OnCompleted = async (result, token) =>
                {
                    if (chosen.OnCompleted is { } onCompleted)
                        await onCompleted(result, token).ConfigureAwait(false);
                    // What cannot be removed has a receipt, and is exported once more.
                    if (result.IsExported)
                        _ = drain.Complete(items[result.Artifact].Entry);
                },
            },
            batch => BatchDraftModule.OnConcurrency(batch.Concurrency),
            (artifact, _, cancellation) =>
                drain.ExportAsync(
                    items[artifact],
                    scope,
                    copy => _inner.PushAsync(copy.Name, copy.Source.Full, copy.Metadata, cancellation),
                    cancellation
                ),
            cancellationToken
        );
        await foreach (var result in results.ConfigureAwait(false))
            yield return result;
    }

    /// <exception cref="IOException">The spool cannot be used.</exception>
    private SpoolDrain? Open()
    {
        try
        {
            return SpoolDrain.TryOpen(LocalExportSink.AbsolutePath(_target.Settings.Folder)!);
        }
        catch (SpoolRefusedException refused)
        {
            throw new IOException(refused.Message);
        }
    }
#pragma warning restore CA1416
}
