using Amazon;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Broker;

/// <summary>
/// Presigns with the AWS SDK, and with the keys that it finds: in the environment, in a file, or in a role of the
/// machine.
/// </summary>
internal sealed class Presigner : IHealthCheck, IDisposable
{
    private const string Sha256Header = "x-amz-checksum-sha256";
    private const string Md5Header = "Content-MD5";

    private readonly BrokerOptions _broker;
    private readonly TimeProvider _time;
    private readonly AmazonS3Client _client;

    public Presigner(IOptions<BrokerOptions> broker, TimeProvider time)
    {
        _broker = broker.Value;
        _time = time;
        var config = new AmazonS3Config { ForcePathStyle = _broker.PathStyle };
        if (_broker.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = _broker.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(_broker.Region);
        }
        _client = new(config);
    }

    /// <summary>Returns a URL for a request that <see cref="RequestRules"/> allow.</summary>
    internal async Task<UrlResponse> PresignAsync(UrlRequest request)
    {
        // Whole seconds, as the URL has them.
        var until = (_time.GetUtcNow() + _broker.UrlLifetime).ToUnixTimeSeconds();
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(until).UtcDateTime;
        var presigned = new GetPreSignedUrlRequest
        {
            Verb = HttpVerb.PUT,
            Protocol = _broker.Endpoint?.Scheme == "http" ? Protocol.HTTP : Protocol.HTTPS,
            BucketName = request.Bucket,
            Key = request.Key,
            Expires = expiresAt,
        };
        foreach (var (name, value) in request.Headers ?? new Dictionary<string, string>())
            presigned.Headers[name] = value;
        if (request.ContentType is { } contentType)
            presigned.Headers["Content-Type"] = contentType;

        // The store refuses a body of another length, and other content than the exporter has read.
        presigned.Headers.ContentLength = request.ContentLength;
        var added = new Dictionary<string, string>();
        if (_broker.Digests.HasFlag(Digests.Sha256) && request.Sha256 is { } sha256)
            presigned.Headers[Sha256Header] = added[Sha256Header] = sha256;
        // Stores that ignore the checksum, such as Ceph 16, check this one.
        if (_broker.Digests.HasFlag(Digests.Md5) && request.Md5 is { } md5)
            presigned.Headers[Md5Header] = added[Md5Header] = md5;

        return new(await _client.GetPreSignedURLAsync(presigned), added, expiresAt, request.ArtifactName);
    }

    /// <summary>Reports whether there are keys: without them nothing can be presigned.</summary>
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        await PresignAsync(new(1, "health", "health", _broker.Buckets[0], "health/health", 0));
        return HealthCheckResult.Healthy();
    }

    public void Dispose() => _client.Dispose();
}
