namespace CellOS.Export.S3.Bench.Peers;

/// <summary>What is taken of the bytes on their way.</summary>
internal enum DigestChoice
{
    None,
    Sha256,

    Md5,

    /// <summary>SHA-256 and MD5.</summary>
    Both,

    /// <summary>For the product: what the core decides with the integrity mode <c>verify</c>.</summary>
    Verify,

    /// <summary>For the product: the same, and the digests go to the source of URLs, which signs them.</summary>
    Bound,

    /// <summary>For the product: what the core decides with the integrity mode <c>off</c>, which is SHA-256.</summary>
    Off,
}
