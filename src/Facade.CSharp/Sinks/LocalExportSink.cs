using CellOS.Export.S3.Batch;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Progress;
using CellOS.Export.S3.Source;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CellOS.Export.S3;

/// <summary>
/// Exports artifacts to a folder of this machine: each becomes the file <c>ROOT/CELL_ID/NAME</c>. A file under its own name
/// is complete: it is written under a temporary name in the same folder (<c>.cellos-export-….part</c>), flushed to disk and
/// renamed. The next push of an artifact replaces what a crash left behind. Files have the permissions 0600, folders 0700.
/// Any number of threads and processes may export at once. It needs Linux.
/// </summary>
public sealed class LocalExportSink : IBatchSink
{
    private readonly LocalTarget _target;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>A sink with defaults for everything else.</summary>
    /// <param name="root">The export folder; see <see cref="LocalExportSinkOptions.Root"/>.</param>
    /// <param name="cellId">The cell whose evidence this is: one path segment.</param>
    /// <exception cref="ArgumentException">One or both are not valid; the message names all that is wrong.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public LocalExportSink(string root, string cellId)
        : this(new LocalExportSinkOptions { Root = root, CellId = cellId }) { }

    /// <summary>A sink.</summary>
    /// <param name="options">Where the files go, and how.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told of receipts and failures. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public LocalExportSink(
        LocalExportSinkOptions options,
        TimeProvider? timeProvider = null,
        ILogger<LocalExportSink>? logger = null
    )
        : this(Check(options).Accept(nameof(options)), timeProvider, logger) { }

    internal LocalExportSink(LocalTarget target, TimeProvider? timeProvider, ILogger? logger)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException(
                "The local sink needs Linux: only there can it keep symbolic links from leading elsewhere. Export to an s3 or http target."
            );
        _target = target;
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger is null ? NullLogger.Instance : new GuardedLogger(logger);
    }

    /// <inheritdoc />
    public ExportTargetKind TargetKind => ExportTargetKind.Local;

    /// <summary>Returns the absolute path of the file that an artifact of this name would get. Nothing is written.</summary>
    /// <inheritdoc />
    public string DestinationHint(string name) => Plan(name).Destination;

    /// <inheritdoc />
    /// <remarks>Metadata is checked and has no place in a file: it is not kept.</remarks>
    public Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    ) => PushAsync(new ExportArtifact(name, path, metadata), null, cancellationToken);

    /// <summary>Exports one artifact, and reports how far it is.</summary>
    /// <param name="artifact">The file and its name.</param>
    /// <param name="progress">
    /// Receives how many bytes have been written, as often as <see cref="PresignedS3ExportSink"/> reports. Null for no reports.
    /// </param>
    /// <param name="cancellationToken">Ends the export without a receipt; the file does not get its name.</param>
    /// <exception cref="ArgumentException">The name is not that of a file, or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">The artifact was not exported; the exception says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(artifact.Path, nameof(artifact));
        var plan = Plan(artifact.Name);
        CoreMapping.Accept(BatchDraftModule.CheckMetadata(CoreMapping.ToDraft(artifact)), nameof(artifact));
        cancellationToken.ThrowIfCancellationRequested();
        var clock = new PushClock(_time);
        var began = clock.Now;
        var reports = progress is null ? null : new GuardedProgress(progress, _logger);
        // The constructor has rejected every other system.
#pragma warning disable CA1416
        var writer = new LocalWriter(plan, _time);
        var reported = -1L;
        void Moved(long bytes)
        {
            if (!ProgressRate.IsDue(writer.Length, reported, bytes))
                return;
            reported = bytes;
            reports?.Report(new(artifact.Name, 1, bytes, writer.Length));
        }

        try
        {
            var copy = await writer
                .WriteAsync(artifact.Source, Moved, clock, cancellationToken)
                .ConfigureAwait(false);
            var receipt = LocalReceipt.Create(plan, copy);
            Log.Exported(_logger, receipt);
            return CoreMapping.ToReceipt(receipt);
        }
        catch (FolderFaultException exception)
        {
            var failure = LocalFailure.Create(plan, writer.Length, clock.Now - began, exception.Fault);
            Log.Failed(_logger, failure.Message);
            throw CoreMapping.ToException(failure);
        }
#pragma warning restore CA1416
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
    ) =>
        BatchRun.Start(
            artifacts,
            options,
            batch => LocalBatch.Problems(_target, batch),
            PushAsync,
            cancellationToken
        );

    RequestUrl? IBatchSink.KnownUrl(string name) => null;

    SpoolInner IBatchSink.Inner => new(_target.Name, _target.CellId, false);

    string? IBatchSink.UnfitHeaders(string name, ExportArtifactMetadata? metadata) => null;

    private LocalPlan Plan(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var artifact = CoreMapping.Accept(ArtifactNameModule.Create(name), nameof(name));
        return CoreMapping.Accept(LocalPlanModule.Create(_target, artifact), nameof(name));
    }

    /// <summary>What the options describe, or all that is wrong with them.</summary>
    internal static Checked<LocalTarget> Check(LocalExportSinkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Checked<LocalTarget>.Of(
            LocalTargetModule.Check(
                new LocalTargetDraft(
                    options.TargetName,
                    options.CellId,
                    AbsolutePath(options.Root),
                    options.Overwrite,
                    options.ReadBack,
                    options.Md5,
                    CoreMapping.ToOption(options.MaxArtifactBytes)
                )
            )
        );
    }

    /// <summary>The path from the root folder. <c>..</c> stays in it: after a link it leads elsewhere than it seems.</summary>
    internal static string? AbsolutePath(string? root) =>
        string.IsNullOrWhiteSpace(root) || Path.IsPathRooted(root)
            ? root
            : Path.Join(Environment.CurrentDirectory, root);
}
