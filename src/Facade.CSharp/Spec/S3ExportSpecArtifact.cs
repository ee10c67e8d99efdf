namespace CellOS.Export.S3;

/// <summary>An artifact that a cell spec lists.</summary>
public sealed record S3ExportSpecArtifact
{
    /// <summary>The artifact's name: one or more path segments joined by <c>/</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The file, below the artifact root, without <c>..</c>: relative to the root, or absolute.
    /// <see cref="S3ExportSpec.Below"/> makes it relative.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>The name of its target; null where the spec has one target only.</summary>
    public string? Target { get; init; }
}
