namespace LoopbackS3;

/// <summary>
/// The refusals that concern checksums, in the words of Amazon S3. Scality cloudserver and OpenStack Swift
/// hold theirs against it; the messages are in their <c>validateChecksums.js</c> and <c>s3request.py</c>.
/// </summary>
internal static class ChecksumErrors
{
    public static readonly S3Error Multiple = InvalidRequest(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
    );

    public static readonly S3Error UnknownAlgorithm = InvalidRequest(
        "The algorithm type you specified in x-amz-checksum- header is invalid."
    );

    public static readonly S3Error ValueMissing = InvalidRequest(
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers"
            + " were found."
    );

    public static readonly S3Error InvalidSdkAlgorithm = InvalidRequest(
        "Value for x-amz-sdk-checksum-algorithm header is invalid."
    );

    public static S3Error Invalid(ChecksumAlgorithm algorithm) =>
        InvalidRequest($"Value for {algorithm.Header} header is invalid.");

    public static S3Error Bad(ChecksumAlgorithm algorithm) =>
        new(
            400,
            "BadDigest",
            $"The {algorithm.Name.ToUpperInvariant()} you specified did not match the calculated checksum."
        );

    private static S3Error InvalidRequest(string message) => new(400, "InvalidRequest", message);
}
