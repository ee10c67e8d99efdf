using System.Security.Cryptography;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using LoopbackS3;

namespace Quickstart;

/// <summary>The operator's side of an S3: the keys, and what can be done with them.</summary>
internal sealed class Store : IAsyncDisposable
{
    /// <summary>Above this the loopback S3, which lives in memory, keeps digests only.</summary>
    private const long MostBytesInMemory = 512L << 20;

    private static readonly TimeSpan Validity = TimeSpan.FromHours(1);

    private readonly AmazonS3Client _keys;
    private readonly HttpClient _http;

    private Store(StoreSettings settings, LoopbackS3Server? loopback, bool digestsOnly)
    {
        (Settings, Loopback, DigestsOnly) = (settings, loopback, digestsOnly);
        _keys = new AmazonS3Client(
            new BasicAWSCredentials(settings.AccessKey, settings.SecretKey),
            new AmazonS3Config
            {
                ServiceURL = settings.Endpoint.ToString(),
                AuthenticationRegion = settings.Region,
                ForcePathStyle = true,
                // The default bakes the checksum of an empty body into a presigned URL.
                RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            }
        );
        _http = new HttpClient(
            new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = loopback is null }
        );
    }

    internal StoreSettings Settings { get; }

    /// <summary>Null for an S3 elsewhere.</summary>
    internal LoopbackS3Server? Loopback { get; }

    /// <summary>There is too much to keep it in memory: the loopback S3 has digests, and no bytes to give back.</summary>
    internal bool DigestsOnly { get; }

    /// <summary>The S3 that the environment names, or one on the loopback.</summary>
    internal static async Task<Store> OpenAsync(StoreSettings? settings, long bytesToCome)
    {
        if (settings is not null)
            return new Store(settings, null, digestsOnly: false);
        var digestsOnly = bytesToCome > MostBytesInMemory;
        var options = new LoopbackS3Options
        {
            Retention = digestsOnly ? Retention.DigestsOnly : Retention.KeepBytes,
            MaxKeptBytes = (int)MostBytesInMemory,
            Buckets = ["evidence", new Bucket(KeptStore.GatewayBucket) { IsBehindGateway = true }],
        };
        var server = await LoopbackS3Server.StartAsync(options);
        var own = new StoreSettings(
            server.Endpoint,
            options.Region,
            options.Buckets[0].Name,
            options.AccessKey,
            options.SecretKey
        );
        return new Store(own, server, digestsOnly);
    }

    /// <summary>A URL that serves for an hour.</summary>
    internal string Presign(HttpVerb verb, string key) => Presign(verb, key, DateTime.UtcNow);

    /// <summary>A URL that was presigned two hours ago, and expired an hour ago.</summary>
    internal string PresignExpired(HttpVerb verb, string key)
    {
        AWSConfigs.ManualClockCorrection = -2 * Validity;
        try
        {
            return Presign(verb, key, DateTime.UtcNow - 2 * Validity);
        }
        finally
        {
            AWSConfigs.ManualClockCorrection = null;
        }
    }

    /// <summary>SHA-256 of an object as the endpoint gives it back, in lower-case hexadecimal.</summary>
    internal async Task<string> ReadBackAsync(string key, CancellationToken stopping)
    {
        if (DigestsOnly)
            return Loopback!.Objects[(Settings.Bucket, key)].Sha256;
        var asSigned = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var url = new Uri(Presign(HttpVerb.GET, key), asSigned);
        using var reply = await _http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, stopping);
        reply.EnsureSuccessStatusCode();
        await using var body = await reply.Content.ReadAsStreamAsync(stopping);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(body, stopping));
    }

    public async ValueTask DisposeAsync()
    {
        _keys.Dispose();
        _http.Dispose();
        if (Loopback is not null)
            await Loopback.DisposeAsync();
    }

    private string Presign(HttpVerb verb, string key, DateTime signedAt) =>
        _keys.GetPreSignedURL(
            new GetPreSignedUrlRequest
            {
                BucketName = Settings.Bucket,
                Key = key,
                Verb = verb,
                Protocol = Settings.Endpoint.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
                Expires = signedAt + Validity,
            }
        );
}
