namespace CellOS.Export;

/// <summary>
/// What was exported, where to, and what the server confirmed of it. It holds no secret. What is unknown is null
/// and left out of the JSON.
/// </summary>
public sealed record ExportReceipt
{
    /// <summary>The kind of place that the artifact was written to.</summary>
    public required ExportTargetKind TargetKind { get; init; }

    /// <summary>The name of the target in the cell spec.</summary>
    public string? TargetName { get; init; }

    /// <summary>The logical address, <c>s3://bucket/key</c>. Never a signature, never a query.</summary>
    public required string Destination { get; init; }

    /// <summary>How many bytes were written.</summary>
    public required long BytesWritten { get; init; }

    /// <summary>The cell that the artifact came from.</summary>
    public required string CellId { get; init; }

    /// <summary>The artifact's name within the cell.</summary>
    public required string ArtifactName { get; init; }

    /// <summary>The region of the bucket, as configured.</summary>
    public string? Region { get; init; }

    /// <summary>Where the bytes went: scheme, host and path, without the query.</summary>
    public string? ObjectUrl { get; init; }

    /// <summary>SHA-256 of the bytes sent, 64 hexadecimal digits in lower case.</summary>
    public required string Sha256 { get; init; }

    /// <summary>MD5 of the bytes sent, 32 hexadecimal digits in lower case.</summary>
    public string? Md5 { get; init; }

    /// <summary>The entity tag, as the server sent it.</summary>
    public string? ETag { get; init; }

    /// <summary>The version, in a bucket that keeps versions.</summary>
    public string? VersionId { get; init; }

    /// <summary>The server's own id of the request, for its operators.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// What the server confirmed: <c>content-md5</c> (a <c>Content-MD5</c> that was sent and accepted),
    /// <c>etag-md5</c> (the ETag is the MD5 of what was sent), <c>checksum-sha256</c> (so is
    /// <c>x-amz-checksum-sha256</c>), or <c>unverified</c>.
    /// </summary>
    public required string Integrity { get; init; }

    /// <summary>How many requests it took; 1 or more.</summary>
    public required int Attempts { get; init; }

    /// <summary>When the export began, in UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the server's answer was complete, in UTC.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>
    /// The receipt as one line of JSON: camelCase, in the order of these properties, times in UTC to the
    /// millisecond.
    /// </summary>
    public string ToJson() => S3.CoreMapping.ToJson(this);
}
