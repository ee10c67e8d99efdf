using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>An artifact that is to be exported.</summary>
/// <param name="Target">The name of its target.</param>
/// <param name="Name">Its own name.</param>
/// <param name="Source">The file, and the root that it lies below.</param>
/// <param name="Length">What the file has in bytes, as it looks now; 0 if it cannot be seen.</param>
internal sealed record PlannedArtifact(string Target, string Name, SourcePath Source, long Length)
{
    /// <summary>What it is sent with; null for what the command line says of all artifacts.</summary>
    public ExportArtifactMetadata? Metadata { get; init; }
}
