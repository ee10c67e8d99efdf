using System.Text;

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

    /// <summary>
    /// Further headers of the request, such as <c>x-amz-meta-run</c>: names and values. Names match without regard to
    /// case, and each is there once; values are visible ASCII with blanks between, at most 8,192 characters, without
    /// outer blanks. Of a name that the sink's own headers have as well, this value is sent. An <c>x-amz-*</c> header
    /// that a SigV4 URL does not cover ends the push before anything is sent, since S3 answers 403 to it. S3 takes 2 KB
    /// of <c>x-amz-meta-*</c> names and values (Amazon S3 User Guide, "Working with object metadata"). Null for none.
    /// </summary>
    /// <remarks>
    /// Refused, with what to do instead: headers that address, frame or authorize the request, conditions, what makes it
    /// another operation than an upload, and <c>Content-Type</c>, <c>Content-MD5</c>, <c>If-None-Match</c> and
    /// <c>Expect</c>, which have settings of their own. A value may be a credential: it is in no message.
    /// </remarks>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The names of the headers, not their values: one may be a credential.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("ContentType = ").Append(ContentType);
        text.Append(", Headers = ").AppendJoin(", ", Headers?.Keys ?? []);
        return true;
    }
}
