namespace CellOS.Export.S3.Bench.Peers;

/// <summary>What the peers are called on the command line and in the JSON.</summary>
internal static class PeerName
{
    internal const string Sink = "sink";
    internal const string SinkTemplate = "sink-template";
    internal const string Plain = "plain";
    internal const string Digests = "digests";
    internal const string AwsSdk = "awssdk";
    internal const string Curl = "curl";

    internal static IPeer Create(string name, PresignedUrls urls, DigestChoice digests) =>
        name switch
        {
            Sink => new SinkPeer(urls, template: false, digests),
            SinkTemplate => new SinkPeer(urls, template: true, digests),
            Digests => new DigestsPeer(urls, digests),
            Plain when digests == DigestChoice.None => new PlainPeer(urls),
            AwsSdk when digests == DigestChoice.None => new AwsSdkPeer(urls),
            Curl when digests == DigestChoice.None => new CurlPeer(urls),
            Plain or AwsSdk or Curl => throw new UsageException(
                $"{name} takes no digests of its own: --digests none."
            ),
            _ => throw new UsageException($"There is no peer '{name}'."),
        };
}
