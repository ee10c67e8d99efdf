namespace CellOS.Export.S3;

/// <summary>A target of a cell spec, as it is written there.</summary>
public sealed record S3ExportTarget
{
    /// <summary>
    /// The target's name: it starts with a letter or digit, then letters, digits, <c>.</c>, <c>_</c>, <c>-</c>,
    /// without <c>..</c>; at most 128 characters. Its environment variables end with it, in upper case and with <c>_</c> for all that is no letter
    /// or digit.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The kind of target. Others than <c>s3</c> are left alone. Default: <c>s3</c>.</summary>
    public string Kind { get; init; } = "s3";

    /// <summary>The bucket of the logical address; required for <c>s3</c>.</summary>
    public string? Bucket { get; init; }

    /// <summary>The region of the bucket, for the receipt. Default: none.</summary>
    public string? Region { get; init; }

    /// <summary>What stands before the cell id in the key, such as <c>audit/2026</c>. Default: nothing.</summary>
    public string? KeyPrefix { get; init; }
}
