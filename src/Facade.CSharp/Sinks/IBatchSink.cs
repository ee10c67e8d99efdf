using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>What the sinks of this library have in common besides <see cref="IExportSink"/>.</summary>
internal interface IBatchSink : IExportSink
{
    Task<ExportReceipt> IExportSink.PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata,
        CancellationToken cancellationToken
    ) => PushAsync(new ExportArtifact(name, path, metadata), null, cancellationToken);

    /// <summary>Exports one artifact, and reports how far it is.</summary>
    Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    );

    /// <summary>Exports many artifacts, several at once.</summary>
    IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// The URL that shows where an artifact would be sent now, beside its destination; null where that is not known, or where
    /// the destination says it all.
    /// </summary>
    RequestUrl? KnownUrl(string name);

    /// <summary>Returns why the headers of an artifact cannot be sent; null if they can.</summary>
    string? UnfitHeaders(string name, ExportArtifactMetadata? metadata);

    /// <summary>What a spool around the sink has to know of it.</summary>
    SpoolInner Inner { get; }
}
