namespace CellOS.Export.S3.Bench.Server;

/// <summary>What drains the uploads.</summary>
internal static class ServerName
{
    /// <summary>As cheap as can be; it reports a CRC-64/NVME of every object, as Amazon S3 does.</summary>
    internal const string Bare = "bare";

    /// <summary>As cheap as can be; it reports no checksum, as a store with encryption by keys of its own may.</summary>
    internal const string WithoutChecksum = "without-checksum";

    /// <summary>A web server as people have it, which reports a CRC-64/NVME.</summary>
    internal const string Kestrel = "kestrel";
}
