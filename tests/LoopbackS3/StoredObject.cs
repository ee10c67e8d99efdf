namespace LoopbackS3;

/// <summary>An object as it lies in a bucket.</summary>
/// <param name="Md5">Lower-case hex, like <paramref name="Sha256"/>.</param>
/// <param name="Bytes">Null where only digests are kept.</param>
/// <param name="PutCount">How many uploads of this key have been stored, this one included.</param>
/// <param name="VersionId">Null in a bucket without versions.</param>
/// <param name="Headers">As received with the upload; looked up without regard to case.</param>
public sealed record StoredObject(
    long Length,
    string Md5,
    string Sha256,
    byte[]? Bytes,
    int PutCount,
    string? VersionId,
    IReadOnlyDictionary<string, string> Headers
)
{
    /// <summary>Quoted, as on the wire.</summary>
    public string ETag => $"\"{Md5}\"";
}
