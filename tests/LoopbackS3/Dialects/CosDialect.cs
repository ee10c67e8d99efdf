namespace LoopbackS3;

/// <summary>Tencent COS.</summary>
internal sealed record CosDialect : Dialect
{
    internal override IEnumerable<Digest> Needs(ChecksumAlgorithm? sent) => [Digest.Crc64Xz];

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent) =>
        [new("x-cos-hash-crc64ecma", stored.Decimal(Digest.Crc64Xz))];

    internal override Headers Ids(string requestId, string hostId) => [new("x-cos-request-id", requestId)];
}
