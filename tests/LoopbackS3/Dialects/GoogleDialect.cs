namespace LoopbackS3;

/// <summary>Google Cloud Storage, whose two digests share a header.</summary>
internal sealed record GoogleDialect(bool TwoLines) : Dialect
{
    internal override IEnumerable<Digest> Needs(ChecksumAlgorithm? sent) => [Digest.Crc32C];

    internal override Headers Marks(Digests stored, ChecksumAlgorithm? sent)
    {
        string[] hashes = [$"crc32c={stored.Base64(Digest.Crc32C)}", $"md5={stored.Base64(Digest.Md5)}"];
        string[] lines = TwoLines ? hashes : [string.Join(',', hashes)];
        return [.. lines.Select(line => KeyValuePair.Create("x-goog-hash", line))];
    }

    internal override Headers Ids(string requestId, string hostId) => [new("x-guploader-uploadid", hostId)];
}
