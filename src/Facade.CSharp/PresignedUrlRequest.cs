using System.Text;

namespace CellOS.Export.S3;

/// <summary>What a presigning broker is asked for: a URL for a PUT of one artifact.</summary>
/// <param name="ArtifactName">The artifact's name within its cell.</param>
/// <param name="Bucket">The bucket that it goes to.</param>
/// <param name="Key">The object key, not percent-encoded: what the URL is to be presigned for.</param>
/// <param name="Attempt">The attempt that it is for: 1 for the first.</param>
public sealed record PresignedUrlRequest(string ArtifactName, string Bucket, string Key, int Attempt)
{
    /// <summary>The name of the target, which tells a broker of several which it is; null for a sink without one.</summary>
    public string? TargetName { get; init; }

    /// <summary>
    /// The headers that the request will carry, names and values as they are sent, beside <c>Host</c>,
    /// <c>Content-Length</c>, <c>Expect</c> and <c>Content-MD5</c>. Of them, those whose names begin with <c>x-amz-</c>
    /// have to be among the signed headers of a SigV4 URL. A value may be a credential. Never null.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = CoreMapping.NoHeaders;

    /// <summary>The names of the headers, not their values: one may be a credential.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("ArtifactName = ").Append(ArtifactName);
        text.Append(", Bucket = ").Append(Bucket);
        text.Append(", Key = ").Append(Key);
        text.Append(", Attempt = ").Append(Attempt);
        text.Append(", TargetName = ").Append(TargetName);
        text.Append(", Headers = ").AppendJoin(", ", Headers.Keys);
        return true;
    }
}
