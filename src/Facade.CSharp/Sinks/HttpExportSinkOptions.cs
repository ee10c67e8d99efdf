using System.ComponentModel.DataAnnotations;

namespace CellOS.Export.S3;

/// <summary>What an <see cref="HttpExportSink"/> needs to know. It is checked, all at once, when the sink is built.</summary>
public sealed class HttpExportSinkOptions
{
    /// <summary>
    /// Where artifacts go: absolute, <c>http</c> or <c>https</c>. With <c>{cell_id}</c> or <c>{artifact_name}</c> in path or
    /// query it is a template; another URL with a query is exact, and takes one artifact only; to any other,
    /// <c>/{cell_id}/{artifact_name}</c> is appended.
    /// </summary>
    [Required]
    public required string BaseUrl { get; set; }

    /// <summary>
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes, no <c>/</c>, <c>\</c> or control
    /// character, not <c>.</c> or <c>..</c>.
    /// </summary>
    [Required]
    public required string CellId { get; set; }

    /// <summary>
    /// The token that is sent as <c>Authorization: Bearer</c>: the token alone, a credential. It is not sent over <c>http</c>
    /// to another host (<see cref="AllowPlaintextToken"/>). Default: none.
    /// </summary>
    public string? BearerToken { get; set; }

    /// <summary>
    /// Sends the token over <c>http</c> to another host than this one, too, where others on the way can read it. Default: false.
    /// </summary>
    public bool AllowPlaintextToken { get; set; }

    /// <summary>
    /// The name of the target in the cell spec: it starts with a letter or digit, then letters, digits, <c>.</c>,
    /// <c>_</c>, <c>-</c>, without <c>..</c>; at most 128 characters. Default: none.
    /// </summary>
    public string? TargetName { get; set; }

    /// <summary>A file with certificates in PEM that are trusted in addition to the system's. Default: none.</summary>
    public string? CaBundle { get; set; }

    /// <summary>All tries, the first included: 1 or more. Default: 3.</summary>
    [Range(1, int.MaxValue)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>
    /// The wait between attempts, or what the exponential schedule doubles: 0 or more, at most 4,294,967,294 ms (49 days).
    /// Default: 500 ms.
    /// </summary>
    public TimeSpan RetryBackoff { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How that wait grows. Default: <see cref="S3ExportRetryMode.Fixed"/>.</summary>
    public S3ExportRetryMode RetryMode { get; set; } = S3ExportRetryMode.Fixed;

    /// <summary>
    /// The longest wait of the exponential schedule, and the longest that a server's <c>Retry-After</c> is followed:
    /// 0 or more, at most 4,294,967,294 ms (49 days). Default: 20 s.
    /// </summary>
    public TimeSpan MaxRetryBackoff { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// For one attempt as a whole, its body included: positive, at most 2,147,483,647 ms (24 days). Default: 30 s.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultRequestTimeoutMs);

    /// <summary>
    /// To connect (name resolution, TCP, proxy and TLS): positive, at most 2,147,483,647 ms (24 days). Default: 10 s.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultConnectTimeoutMs);

    /// <summary>
    /// The longest time of an attempt in which no byte moves, as <see cref="PresignedS3ExportSinkOptions.StallTimeout"/>.
    /// Default: none.
    /// </summary>
    public TimeSpan? StallTimeout { get; set; }

    /// <summary>
    /// For all attempts and the waits between them: positive, at most 2,147,483,647 ms (24 days), or null for none.
    /// Default: none.
    /// </summary>
    public TimeSpan? Deadline { get; set; }

    /// <summary>
    /// How much the server must confirm: with <see cref="S3ExportIntegrity.Require"/>, a digest of the content
    /// (<c>Repr-Digest</c>, <c>Content-Digest</c>, <c>Content-MD5</c> or a checksum of a store) in the response. Default:
    /// <see cref="S3ExportIntegrity.Verify"/>.
    /// </summary>
    public S3ExportIntegrity Integrity { get; set; } = S3ExportIntegrity.Verify;

    /// <summary>
    /// Further headers of every request: names and values, as <see cref="ExportArtifactMetadata.Headers"/> has them for one
    /// artifact; those win. Default: none.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Headers { get; set; }

    /// <summary>
    /// From how many bytes on <c>Expect: 100-continue</c> is sent, so that a refusal arrives before the body; null for never.
    /// Default: 1 MiB.
    /// </summary>
    public long? ExpectContinueMinBytes { get; set; } = 1 << 20;

    /// <summary>The largest artifact, in bytes: 0 or more. Default: no limit.</summary>
    public long MaxArtifactBytes { get; set; } = long.MaxValue;
}
