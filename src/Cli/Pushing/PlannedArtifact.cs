namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>An artifact that is to be exported.</summary>
/// <param name="Target">The name of its target.</param>
/// <param name="Name">Its own name.</param>
/// <param name="Path">The file.</param>
/// <param name="Length">What the file has in bytes, as it looks now; 0 if it cannot be seen.</param>
/// <param name="Problem">Why it cannot be exported, known without a request; null if nothing is known.</param>
internal sealed record PlannedArtifact(
    string Target,
    string Name,
    string Path,
    long Length,
    string? Problem = null
);
