namespace LoopbackS3;

/// <summary>What a bucket with SSE-KMS responds ("Common Response Headers", Amazon S3 API Reference).</summary>
internal static class SseKms
{
    public static readonly IReadOnlyList<KeyValuePair<string, string>> Headers =
    [
        new("x-amz-server-side-encryption", "aws:kms"),
        new("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-east-1:111122223333:key/loopback"),
    ];

    /// <summary>Returns an ETag that has the form of an MD5 but is not one.</summary>
    public static string NewETag() => $"\"{Guid.NewGuid():N}\"";
}
