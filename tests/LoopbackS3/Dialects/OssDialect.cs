namespace LoopbackS3;

/// <summary>Alibaba Cloud OSS.</summary>
internal sealed record OssDialect : Dialect
{
    internal override IEnumerable<Digest> Needs(ChecksumAlgorithm? sent) => [Digest.Crc64Xz];

    internal override string ETag(Digests stored) => $"\"{Convert.ToHexString(stored[Digest.Md5])}\"";

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent) =>
        [
            new("x-oss-hash-crc64ecma", stored.Decimal(Digest.Crc64Xz)),
            new("Content-MD5", stored.Base64(Digest.Md5)),
        ];

    internal override Headers Ids(string requestId, string hostId) => [new("x-oss-request-id", requestId)];
}
