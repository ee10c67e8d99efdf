using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Report;

/// <summary>What takes part is called by its peer, and by the digests where these are not what the peer stands for.</summary>
internal static class Contestants
{
    internal const string Plain = PeerName.Plain;
    internal const string Digests = PeerName.Digests;
    internal const string DigestsSha256 = "digests sha256";
    internal const string Sink = PeerName.Sink;
    internal const string DigestsMd5 = "digests md5";
    internal const string SinkOff = "sink off";
    internal const string SinkTemplate = PeerName.SinkTemplate;
    internal const string SinkManifest = PeerName.SinkManifest;
    internal const string SinkBroker = PeerName.SinkBroker;
    internal const string SinkBrokerBound = "sink-broker bound";
    internal const string AwsSdk = PeerName.AwsSdk;
    internal const string Curl = PeerName.Curl;

    internal static IReadOnlyList<string> OfLargeFile =>
        [Plain, Digests, DigestsSha256, Sink, SinkOff, AwsSdk, Curl];

    internal static IReadOnlyList<string> OfDigests => [Plain, Digests, DigestsSha256, Sink, SinkOff];

    internal static IReadOnlyList<string> OfMd5 => [Plain, Digests, DigestsMd5, Sink];

    internal static IReadOnlyList<string> OfSmallFiles => [Plain, Digests, Sink, SinkTemplate, AwsSdk];

    internal static IReadOnlyList<string> OfBroker => [SinkManifest, SinkBroker, SinkBrokerBound];

    internal static IReadOnlyList<string> OfSizes => [Digests, Sink];

    /// <summary>The peer, and the word of <c>--digests</c>.</summary>
    internal static (string Peer, string Digests) Parse(string contestant) =>
        contestant.Split(' ') is [var peer, var digests] ? (peer, digests)
        : contestant is Digests ? (contestant, "both")
        : contestant is Sink or SinkTemplate or SinkManifest or SinkBroker ? (contestant, "verify")
        : (contestant, "none");
}
