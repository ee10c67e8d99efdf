namespace CellOS.Export.S3;

/// <summary>How much a server must confirm of what it received.</summary>
public enum S3ExportIntegrity
{
    /// <summary>No MD5 is taken, and nothing is compared.</summary>
    Off,

    /// <summary>What the server reports (ETag, <c>x-amz-checksum-sha256</c>) must not contradict what was sent.</summary>
    Verify,

    /// <summary>The server must confirm a digest, or the export fails.</summary>
    Require,
}
