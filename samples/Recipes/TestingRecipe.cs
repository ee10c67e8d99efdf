using CellOS.Export;

namespace Recipes;

// <doc>
/// <summary>Stands for a sink in tests: it notes what it is given, and gives receipts, or failures of one kind.</summary>
internal sealed class SinkInMemory(ExportFailureKind? failure = null) : IExportSink
{
    public List<(string Name, string Path)> Pushed { get; } = [];
    public ExportTargetKind TargetKind => ExportTargetKind.S3;

    public string DestinationHint(string name) => $"s3://bucket/cell-1/{name}";

    public Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (failure is { } kind)
            throw new ExportException(kind, "as the test wants it") { ArtifactName = name };

        Pushed.Add((name, path));
        return Task.FromResult(
            new ExportReceipt
            {
                TargetKind = TargetKind,
                Destination = DestinationHint(name),
                CellId = "cell-1",
                ArtifactName = name,
                BytesWritten = 2,
                Sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                Integrity = "unverified",
                Attempts = 1,
                StartedAt = DateTimeOffset.UnixEpoch,
                CompletedAt = DateTimeOffset.UnixEpoch,
            }
        );
    }
}
// </doc>
