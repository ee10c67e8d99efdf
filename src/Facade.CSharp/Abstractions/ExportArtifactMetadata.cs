namespace CellOS.Export;

/// <summary>What is to be stored along with an artifact.</summary>
public sealed record ExportArtifactMetadata
{
    /// <summary>
    /// The media type, such as <c>application/json</c> (RFC 9110, 8.3.1): ASCII, at most 255 characters. Null for
    /// none, which is right for most presigned URLs; one that was signed with a <c>Content-Type</c> needs the same
    /// here.
    /// </summary>
    public string? ContentType { get; init; }
}
