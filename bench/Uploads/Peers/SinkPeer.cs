namespace CellOS.Export.S3.Bench.Peers;

/// <summary>The product, with its defaults where nothing else is said.</summary>
internal sealed class SinkPeer : IPeer
{
    private readonly PresignedS3ExportSink _sink;
    private readonly bool _md5;

    /// <param name="urls">Gives each artifact a URL of its own, as a presigning broker does.</param>
    /// <param name="template">Whether the URL is a template instead.</param>
    /// <param name="digests">SHA-256, or both; the product never sends without the one.</param>
    internal SinkPeer(PresignedUrls urls, bool template, DigestChoice digests)
    {
        if (digests == DigestChoice.None)
            throw new UsageException("The sink always takes a SHA-256: --digests both or sha256.");
        _md5 = digests == DigestChoice.Both;
        _sink = new PresignedS3ExportSink(
            new PresignedS3ExportSinkOptions
            {
                PresignedUrl = template ? urls.Template : null,
                PresignedUrlProvider = template
                    ? null
                    : (request, _) => ValueTask.FromResult(urls.For(request.ArtifactName)),
                CellId = PresignedUrls.CellId,
                Bucket = PresignedUrls.Bucket,
                Region = "us-west-2",
                TargetName = "artifact-bucket",
                Integrity = _md5 ? S3ExportIntegrity.Verify : S3ExportIntegrity.Off,
                // A slow machine is slow, not broken; and a second attempt would be no measurement.
                RequestTimeout = TimeSpan.FromMinutes(10),
                MaxAttempts = 1,
            }
        );
    }

    public async Task PushAsync(string name, string path)
    {
        var receipt = await _sink.PushAsync(name, path);
        if (receipt.Md5 is not null != _md5)
            throw new InvalidOperationException("The sink took other digests than it was asked for.");
    }

    public void Dispose() => _sink.Dispose();
}
