namespace LoopbackS3;

/// <summary>What a server keeps of an uploaded object.</summary>
public enum Retention
{
    /// <summary>The bytes, in memory, up to <see cref="LoopbackS3Options.MaxKeptBytes"/> per object.</summary>
    KeepBytes,

    /// <summary>Length and digests only, so that bodies of any size pass through constant memory.</summary>
    DigestsOnly,
}

/// <summary>A bucket that exists from the start; there is no way to create one later.</summary>
public sealed record Bucket(string Name)
{
    /// <summary>
    /// Demands a <c>Content-MD5</c> or a signed checksum, as a bucket with Object Lock and a default
    /// retention does. The checksum that the store computes by itself does not count.
    /// </summary>
    public bool RequireContentMd5 { get; init; }

    /// <summary>Replies carry <c>x-amz-version-id</c>.</summary>
    public bool Versioned { get; init; }

    /// <summary>Takes requests without a look at their signature, as behind a gateway that authorizes by itself.</summary>
    public bool IsBehindGateway { get; init; }

    /// <summary>The store that this bucket imitates; null is <see cref="LoopbackS3Options.Dialect"/>.</summary>
    public Dialect? Dialect { get; init; }

    public static implicit operator Bucket(string name) => new(name);
}

/// <summary>The settings of one server. The credentials default to those of AWS's own examples.</summary>
public sealed record LoopbackS3Options
{
    public IReadOnlyList<Bucket> Buckets { get; init; } = ["evidence"];
    public string AccessKey { get; init; } = "AKIAIOSFODNN7EXAMPLE";
    public string SecretKey { get; init; } = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    public string Region { get; init; } = "us-east-1";

    /// <summary>The store that the server imitates. Default: <see cref="Dialect.PlainMd5"/>.</summary>
    public Dialect Dialect { get; init; } = Dialect.PlainMd5;

    /// <summary>The clock that signatures are held against. Faults that take time take real time.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Larger uploads are refused with EntityTooLarge. Default: 5 GiB, S3's limit for one PUT.</summary>
    public long MaxObjectBytes { get; init; } = 5L << 30;

    public Retention Retention { get; init; } = Retention.KeepBytes;

    /// <summary>Objects above this many bytes are kept as digests only. Default: 64 MiB.</summary>
    public int MaxKeptBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Bytes that the connection takes in ahead of the server, at least 32 KiB; null leaves that to the
    /// system. A small one lets a client feel a slow reader after kilobytes instead of megabytes.
    /// </summary>
    public int? ReceiveBufferBytes { get; init; }
}
