namespace CellOS.Export;

/// <summary>
/// Takes the evidence of a cell, one artifact at a time, to where auditors will look for it. Write-only: a sink
/// neither lists nor reads nor deletes.
/// </summary>
public interface IExportSink
{
    /// <summary>The kind of place that this sink writes to.</summary>
    ExportTargetKind TargetKind { get; }

    /// <summary>
    /// The logical address that an artifact of this name would get, such as <c>s3://bucket/cell/name</c>. It
    /// holds no credential, and nothing is sent.
    /// </summary>
    /// <param name="name">The artifact's name: one or more path segments joined by <c>/</c>.</param>
    /// <exception cref="ArgumentException">The name is not valid, or the address would be too long.</exception>
    string DestinationHint(string name);

    /// <summary>Exports one file as one artifact.</summary>
    /// <param name="name">The artifact's name: one or more path segments joined by <c>/</c>.</param>
    /// <param name="path">The file. It must be a regular file, and stay as it is until the task ends.</param>
    /// <param name="metadata">What is to be stored along with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the export without a receipt.</param>
    /// <returns>The receipt: the artifact is stored, and as certain as the receipt says.</returns>
    /// <exception cref="ArgumentException">A name or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">The artifact was not exported; the exception says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the artifact may have been stored.</exception>
    Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    );
}
