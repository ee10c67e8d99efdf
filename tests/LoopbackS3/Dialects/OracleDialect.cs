namespace LoopbackS3;

/// <summary>Oracle Object Storage, native.</summary>
internal sealed record OracleDialect : Dialect
{
    internal override string ETag(Digests stored) => $"{Guid.NewGuid()}";

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent) =>
        [new("opc-content-md5", stored.Base64(Digest.Md5))];

    internal override Headers Ids(string requestId, string hostId) => [new("opc-request-id", requestId)];
}
