using System.ComponentModel.DataAnnotations;

namespace CellOS.Export.S3;

/// <summary>What a <see cref="PresignedS3ExportSink"/> needs to know. It is checked, all at once, when the sink is built.</summary>
public sealed class PresignedS3ExportSinkOptions
{
    /// <summary>
    /// The presigned PUT URL: absolute, <c>http</c> or <c>https</c>, presigned for a <c>PutObject</c> (one for a part of
    /// an upload, tags or access rights is refused). With <c>{cell_id}</c> or
    /// <c>{artifact_name}</c> in path or query it is a template; without, it is exact. Without <c>{artifact_name}</c> it
    /// names one object, and takes one artifact only.
    /// It is a credential. One of this, <see cref="PresignedUrlsFile"/>, <see cref="BrokerUrl"/>, <see cref="UrlCommand"/>,
    /// <see cref="UrlProvider"/> and <see cref="PresignedUrlProvider"/> is required.
    /// </summary>
    public string? PresignedUrl { get; set; }

    /// <summary>
    /// A manifest, where each artifact has a presigned URL of its own: a file in UTF-8 with a JSON object, artifact name →
    /// exact URL. It is read when the sink is built, and again when it has changed. Default: none.
    /// </summary>
    public string? PresignedUrlsFile { get; set; }

    /// <summary>
    /// A presigning broker, which is asked for the exact URL of each artifact before its first attempt, and again after an
    /// attempt that failed because the URL had expired. It gets the headers that the request will carry, and signs them if
    /// it signs with SigV4 (<see cref="PresignedUrlRequest.Headers"/>). It may be slow, under <see cref="Deadline"/> and the caller's
    /// token; what it throws ends the push with <see cref="ExportFailureKind.UrlUnusable"/>, so it retries by itself.
    /// Any number of threads may call it at once. Which artifact each object was for is remembered, so that none is
    /// overwritten by another. Default: none.
    /// </summary>
    public Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>? PresignedUrlProvider { get; set; }

    /// <summary>
    /// The same as an interface, whose response may have headers that the URL signs. What it throws ends the push, unless
    /// it is a <see cref="PresignedUrlException"/> that is transient. The sink does not dispose of it. Default: none.
    /// </summary>
    public IPresignedUrlProvider? UrlProvider { get; set; }

    /// <summary>
    /// A broker that is asked for the URL of each artifact: <c>https://…</c>, <c>http://</c> to a loopback address, or
    /// <c>unix:/path/to/socket</c>. The sink makes an <see cref="HttpPresignedUrlProvider"/> with its own timeouts and CA
    /// bundle, and disposes of it. Default: none.
    /// </summary>
    public string? BrokerUrl { get; set; }

    /// <summary>A file with the broker's bearer token, which is read before every request. Default: none.</summary>
    public string? BrokerTokenFile { get; set; }

    /// <summary>
    /// A program and its arguments, which gives the URL of each artifact; no shell runs. The sink makes a
    /// <see cref="CommandPresignedUrlProvider"/> with its own request timeout, and disposes of it. Default: none.
    /// </summary>
    public IReadOnlyList<string>? UrlCommand { get; set; }

    /// <summary>
    /// Reads the file once before a URL is asked for, and sends its digests to the provider, broker or command
    /// (<see cref="PresignedUrlRequest.Sha256"/>), which can sign them: the store then rejects any other content.
    /// Default: false.
    /// </summary>
    public bool BindDigest { get; set; }

    /// <summary>
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes, no <c>/</c>, <c>\</c> or control
    /// character, not <c>.</c> or <c>..</c>.
    /// </summary>
    [Required]
    public required string CellId { get; set; }

    /// <summary>The bucket of the logical address: not empty, no <c>/</c>.</summary>
    [Required]
    public required string Bucket { get; set; }

    /// <summary>
    /// The name of the target in the cell spec: it starts with a letter or digit, then letters, digits, <c>.</c>,
    /// <c>_</c>, <c>-</c>, without <c>..</c>; at most 128 characters. Default: none.
    /// </summary>
    public string? TargetName { get; set; }

    /// <summary>What stands before the cell id in the key, such as <c>audit/2026</c>. Default: nothing.</summary>
    public string? KeyPrefix { get; set; }

    /// <summary>
    /// The region of the bucket, for the receipt: up to 63 letters, digits, <c>-</c>, <c>_</c> and <c>.</c>. Default: none.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>
    /// A file with certificates in PEM that are trusted in addition to the system's. It is read when the sink is
    /// built. Default: none.
    /// </summary>
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
    /// For one attempt as a whole, its body included: positive, at most 2,147,483,647 ms (24 days). A large file on a slow
    /// line needs more than the default: 30 s.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultRequestTimeoutMs);

    /// <summary>
    /// To connect (name resolution, TCP, proxy and TLS): positive, at most 2,147,483,647 ms (24 days). Default: 10 s.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultConnectTimeoutMs);

    /// <summary>
    /// The longest time of an attempt in which no byte moves, neither of the file nor of the reply: positive, at
    /// most 2,147,483,647 ms (24 days), or null for none. It counts from when there is a connection. Time without a byte is
    /// also what passes between the last byte of the body and the response, and not the wait for <c>100 Continue</c>. Bytes of the body have moved when the
    /// system takes them, 64 KiB at a time; it takes up to some megabytes at once and then, on a slow line, none for as
    /// long as those last: give seconds rather than milliseconds. Replies that come byte by byte are seen with the
    /// sink's own client and with one made on <see cref="PresignedS3ExportSink.CreateHandler"/>; with another, only the
    /// end of their headers is. Default: none.
    /// </summary>
    public TimeSpan? StallTimeout { get; set; }

    /// <summary>
    /// For all attempts and the waits between them: positive, at most 2,147,483,647 ms (24 days), or null for none.
    /// Default: none.
    /// </summary>
    public TimeSpan? Deadline { get; set; }

    /// <summary>How much the server must confirm. Default: <see cref="S3ExportIntegrity.Verify"/>.</summary>
    public S3ExportIntegrity Integrity { get; set; } = S3ExportIntegrity.Verify;

    /// <summary>
    /// Sends <c>Content-MD5</c> (RFC 1864) with every attempt, which buckets with Object Lock need; the file is read
    /// once more for it before the first. Whatever this says, it is sent where a SigV4 URL signs it. A SigV2 URL has to
    /// be presigned with it. Default: false.
    /// </summary>
    public bool ContentMd5 { get; set; }

    /// <summary>Never overwrite: sends <c>If-None-Match: *</c>. Default: false.</summary>
    public bool WriteOnce { get; set; }

    /// <summary>
    /// Accepts a success without a mark of a store (an ETag, a checksum, a version or a request id), with another status
    /// than 200, 201 and 204, or with text or JSON of its own, in response to a presigned URL. Without this, such a push ends with <see cref="ExportFailureKind.Unconfirmed"/>, since a proxy or a
    /// portal may have answered. Default: false.
    /// </summary>
    public bool AcceptUnmarked { get; set; }

    /// <summary>
    /// Compares a presigned URL with the bucket and the key of the artifact before anything is sent; a URL for another
    /// object ends the push with <see cref="ExportFailureKind.UrlUnusable"/>. False for a gateway that rewrites paths:
    /// receipts then have <see cref="ExportReceipt.DestinationChecked"/> false. Default: true.
    /// </summary>
    public bool KeyCheck { get; set; } = true;

    /// <summary>
    /// Further headers of every request, such as <c>x-amz-server-side-encryption</c> or
    /// <c>x-amz-object-lock-mode</c>: names and values, as <see cref="ExportArtifactMetadata.Headers"/> has them for one
    /// artifact; those win. An <c>x-amz-*</c> header that <see cref="PresignedUrl"/> is signed without (SigV4) is refused
    /// when the sink is built, since S3 answers 403 to it; with other sources of URLs, it ends a push before anything is
    /// sent. So does the key of SSE-C (<c>x-amz-server-side-encryption-customer-key</c>) over <c>http</c>, but to this
    /// host. Default: none.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Headers { get; set; }

    /// <summary>
    /// From how many bytes on <c>Expect: 100-continue</c> is sent (RFC 9110, 10.1.1), so that a refusal arrives
    /// before the body; null for never. Default: 1 MiB.
    /// </summary>
    public long? ExpectContinueMinBytes { get; set; } = 1 << 20;

    /// <summary>The largest artifact, in bytes: 0 or more. Default: 5 GiB, the most that one PUT may carry.</summary>
    [Range(0L, long.MaxValue)]
    public long MaxObjectBytes { get; set; } = 5L << 30;
}
