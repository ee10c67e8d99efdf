namespace LoopbackS3;

/// <summary>Azure Blob Storage, which creates a blob only of a stated type.</summary>
internal sealed record AzureDialect : Dialect
{
    private const string BlobType = "x-ms-blob-type";

    internal override int Success => 201;

    internal override S3Error? Refusal(IReadOnlyDictionary<string, string> headers)
    {
        if (!headers.TryGetValue(BlobType, out var type))
        {
            return new S3Error(
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified."
            ).With("HeaderName", BlobType);
        }
        return type == "BlockBlob"
            ? null
            : new S3Error(
                400,
                "InvalidHeaderValue",
                "The value for one of the HTTP headers is not in the correct format."
            )
                .With("HeaderName", BlobType)
                .With("HeaderValue", type);
    }

    /// <summary>Returns the time in ticks, as Azure's are.</summary>
    internal override string ETag(Digests stored) => $"\"0x{DateTime.UtcNow.Ticks:X}\"";

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent) =>
        [new("Content-MD5", stored.Base64(Digest.Md5))];

    internal override Headers Ids(string requestId, string hostId) => [new("x-ms-request-id", requestId)];
}
