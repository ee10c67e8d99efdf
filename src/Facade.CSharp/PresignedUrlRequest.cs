namespace CellOS.Export.S3;

/// <summary>What a presigning broker is asked for: a URL for a PUT of one artifact.</summary>
/// <param name="ArtifactName">The artifact's name within its cell.</param>
/// <param name="Bucket">The bucket that it goes to.</param>
/// <param name="Key">The object key, not percent-encoded: what the URL is to be presigned for.</param>
/// <param name="Attempt">The attempt that it is for: 1 for the first.</param>
public sealed record PresignedUrlRequest(string ArtifactName, string Bucket, string Key, int Attempt);
