using CellOS.Export.S3.Bench.Measuring;

namespace CellOS.Export.S3.Bench.Peers;

/// <summary>What the peers are called on the command line and in the JSON.</summary>
internal static class PeerName
{
    internal const string Sink = "sink";
    internal const string SinkTemplate = "sink-template";
    internal const string SinkManifest = "sink-manifest";
    internal const string SinkBroker = "sink-broker";
    internal const string Plain = "plain";
    internal const string Digests = "digests";
    internal const string AwsSdk = "awssdk";
    internal const string Curl = "curl";

    /// <param name="name">The peer.</param>
    /// <param name="urls">The URLs of all peers that have no other source of them.</param>
    /// <param name="digests">The digests that are taken on the way.</param>
    /// <param name="sources">The files that are pushed.</param>
    /// <param name="broker">The broker; null if there is none.</param>
    internal static IPeer Create(
        string name,
        PresignedUrls urls,
        DigestChoice digests,
        Sources sources,
        BrokerAddress? broker
    ) =>
        name switch
        {
            Sink => new SinkPeer(
                new SinkUrls
                {
                    Provider = (request, _) => ValueTask.FromResult(urls.For(request.ArtifactName)),
                },
                digests
            ),
            SinkTemplate => new SinkPeer(new SinkUrls { Template = urls.Template }, digests),
            SinkManifest => new ManifestPeer(urls, sources, digests),
            SinkBroker => new SinkPeer(
                new SinkUrls
                {
                    Broker = broker ?? throw new UsageException($"{name} wants --broker and --broker-token."),
                },
                digests
            ),
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
