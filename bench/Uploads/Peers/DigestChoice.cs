namespace CellOS.Export.S3.Bench.Peers;

/// <summary>What is taken of the bytes on their way.</summary>
internal enum DigestChoice
{
    None,
    Sha256,

    /// <summary>SHA-256 and MD5.</summary>
    Both,
}
