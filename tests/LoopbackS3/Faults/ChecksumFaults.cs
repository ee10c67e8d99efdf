namespace LoopbackS3;

internal sealed record OtherChecksum(Digest? Only) : Fault
{
    internal override Digests Reported(Digests stored) =>
        stored.WithWrong(digest => Only is null || digest == Only);
}

internal sealed record Composite(bool Suffix, bool Type) : Fault
{
    internal override Task<bool> AfterStoreAsync(Exchange exchange, Headers reply)
    {
        var at = reply.FindIndex(header => ChecksumAlgorithm.IsChecksum(header.Key));
        if (at < 0)
            return GoOn;
        if (Suffix)
            reply[at] = new(reply[at].Key, $"{reply[at].Value}-1");
        if (Type)
        {
            reply.RemoveAll(header => header.Key == ChecksumAlgorithm.TypeHeader);
            reply.Add(new(ChecksumAlgorithm.TypeHeader, "COMPOSITE"));
        }
        return GoOn;
    }
}
