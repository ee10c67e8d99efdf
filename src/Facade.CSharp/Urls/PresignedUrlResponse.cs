using System.Text;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>A presigned URL, with what goes along. It is a credential; its text form shows no secret.</summary>
/// <param name="Url">The exact URL of a PUT: absolute, <c>http</c> or <c>https</c>.</param>
public sealed record PresignedUrlResponse(string Url)
{
    /// <summary>
    /// Headers that the upload must carry because the URL signs them, names and values. The rules for
    /// <see cref="ExportArtifactMetadata.Headers"/> apply. One that the upload carries anyway may be listed with the same
    /// value; <c>Content-Type</c> may be given where the caller gives none; a checksum must be that of the file.
    /// Default: none.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = CoreMapping.NoHeaders;

    /// <summary>The end of the URL's validity, where the URL itself does not state it; null if unknown.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The URL without its secrets, and the names of the headers.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("Url = ").Append(Redaction.Url(Url));
        text.Append(", Headers = ").AppendJoin(", ", Headers.Keys);
        text.Append(", ExpiresAt = ").Append(ExpiresAt);
        return true;
    }
}
