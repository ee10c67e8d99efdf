using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace CellOS.Export.S3.Bench.Peers;

/// <summary>
/// The AWS SDK's PutObject, with its defaults: over http it signs the payload in chunks, and adds a checksum. It has
/// keys of its own, which the others do without.
/// </summary>
internal sealed class AwsSdkPeer(PresignedUrls urls) : IPeer
{
    private readonly AmazonS3Client _client = new(
        new BasicAWSCredentials("AKIAIOSFODNN7EXAMPLE", "not-a-secret"),
        new AmazonS3Config
        {
            ServiceURL = urls.Endpoint,
            ForcePathStyle = true,
            AuthenticationRegion = "us-west-2",
            MaxErrorRetry = 0,
            Timeout = TimeSpan.FromMinutes(10),
        }
    );

    public async Task PushAsync(string name, string path) =>
        await _client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = PresignedUrls.Bucket,
                Key = $"{PresignedUrls.CellId}/{name}",
                FilePath = path,
            }
        );

    public void Dispose() => _client.Dispose();
}
