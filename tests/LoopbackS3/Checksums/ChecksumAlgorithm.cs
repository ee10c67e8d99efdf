namespace LoopbackS3;

/// <summary>One of S3's checksums ("Checking object integrity", Amazon S3 User Guide).</summary>
/// <param name="Name">As the header has it.</param>
/// <param name="Length">In bytes.</param>
internal sealed record ChecksumAlgorithm(string Name, Digest Digest, int Length)
{
    public const string Prefix = "x-amz-checksum-";

    public const string TypeHeader = $"{Prefix}type";

    /// <summary>Headers that share the prefix and have no checksum as their value.</summary>
    private static readonly string[] _others = [TypeHeader, $"{Prefix}algorithm", $"{Prefix}mode"];

    public static readonly ChecksumAlgorithm Crc64Nvme = new("crc64nvme", Digest.Crc64Nvme, 8);

    private static readonly IReadOnlyList<ChecksumAlgorithm> _all =
    [
        new("crc32", Digest.Crc32, 4),
        new("crc32c", Digest.Crc32C, 4),
        Crc64Nvme,
        new("sha1", Digest.Sha1, 20),
        new("sha256", Digest.Sha256, 32),
    ];

    public string Header => Prefix + Name;

    /// <summary>Returns null where the header's algorithm is unknown.</summary>
    public static ChecksumAlgorithm? Find(string header) =>
        _all.FirstOrDefault(algorithm => algorithm.Header.Equals(header, StringComparison.OrdinalIgnoreCase));

    /// <summary>True if the header states a checksum, of whatever algorithm.</summary>
    public static bool IsChecksum(string header) =>
        header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
        && !_others.Contains(header, StringComparer.OrdinalIgnoreCase);
}
