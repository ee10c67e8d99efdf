namespace LoopbackS3;

/// <summary>An object as it lies in a bucket.</summary>
/// <param name="Md5">Lower-case hex, like <paramref name="Sha256"/>.</param>
/// <param name="Bytes">Null where only digests are kept.</param>
/// <param name="PutCount">How many uploads of this key have been stored, this one included.</param>
/// <param name="VersionId">Null in a bucket without versions.</param>
/// <param name="ETag">As on the wire.</param>
/// <param name="Marks">The further headers by which the store tells what it holds: checksums, encryption.</param>
/// <param name="Headers">As received with the upload; looked up without regard to case.</param>
public sealed record StoredObject(
    long Length,
    string Md5,
    string Sha256,
    byte[]? Bytes,
    int PutCount,
    string? VersionId,
    string ETag,
    IReadOnlyList<KeyValuePair<string, string>> Marks,
    IReadOnlyDictionary<string, string> Headers
);
