using System.Text;

namespace LoopbackS3;

/// <summary>The refusals of this server that concern no signature ("Error Responses", API Reference).</summary>
internal static class S3Errors
{
    public const int MaxKeyBytes = 1024;

    public static readonly S3Error InvalidUri = new(400, "InvalidURI", "Couldn't parse the specified URI.");

    public static readonly S3Error MissingContentLength = new(
        411,
        "MissingContentLength",
        "You must provide the Content-Length HTTP header."
    );

    public static readonly S3Error DigestRequired = new(
        400,
        "InvalidRequest",
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
    );

    public static readonly S3Error PreconditionFailed = new S3Error(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold"
    ).With("Condition", "If-None-Match");

    public static readonly S3Error BytesNotKept = new(
        501,
        "NotImplemented",
        "This server kept the digests of the object, not its bytes."
    );

    public static S3Error MethodNotAllowed(string method) =>
        new S3Error(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource."
        ).With("Method", method);

    public static S3Error NotImplemented(string header) =>
        new S3Error(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented"
        ).With("Header", header);

    public static S3Error NoSuchBucket(string bucket) =>
        new S3Error(404, "NoSuchBucket", "The specified bucket does not exist").With("BucketName", bucket);

    public static S3Error NoSuchKey(string key) =>
        new S3Error(404, "NoSuchKey", "The specified key does not exist.").With("Key", key);

    public static S3Error KeyTooLong(string key) =>
        new S3Error(400, "KeyTooLongError", "Your key is too long")
            .With("Size", Encoding.UTF8.GetByteCount(key))
            .With("MaxSizeAllowed", MaxKeyBytes);

    public static S3Error EntityTooLarge(long length, long most) =>
        new S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
            .With("ProposedSize", length)
            .With("MaxSizeAllowed", most);

    public static S3Error InvalidDigest(string digest) =>
        new S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.").With(
            "Content-MD5",
            digest
        );

    public static S3Error BadDigest(string expected, string calculated) =>
        new S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
            .With("ExpectedDigest", expected)
            .With("CalculatedDigest", calculated);
}
