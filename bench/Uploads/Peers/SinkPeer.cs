namespace CellOS.Export.S3.Bench.Peers;

/// <summary>The product, with its defaults where nothing else is said.</summary>
internal sealed class SinkPeer : IPeer
{
    private readonly PresignedS3ExportSink _sink;
    private readonly S3ExportIntegrity _integrity;

    /// <param name="urls">Gives each artifact a URL of its own, as a presigning broker does.</param>
    /// <param name="template">Whether the URL is a template instead.</param>
    /// <param name="digests"><see cref="DigestChoice.Verify"/> or <see cref="DigestChoice.Off"/>.</param>
    internal SinkPeer(PresignedUrls urls, bool template, DigestChoice digests)
    {
        _integrity = digests switch
        {
            DigestChoice.Verify => S3ExportIntegrity.Verify,
            DigestChoice.Off => S3ExportIntegrity.Off,
            _ => throw new UsageException(
                "The sink decides which digests it takes: --digests verify or off."
            ),
        };
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
                Integrity = _integrity,
                // A slow machine is slow, not broken; and a second attempt would be no measurement.
                RequestTimeout = TimeSpan.FromMinutes(10),
                MaxAttempts = 1,
            }
        );
    }

    public async Task PushAsync(string name, string path)
    {
        var receipt = await _sink.PushAsync(name, path);
        if (receipt.Checksums.Count == 0 && receipt.Md5 is not null != (_integrity != S3ExportIntegrity.Off))
            throw new InvalidOperationException("The sink took other digests than it was asked for.");
    }

    public void Dispose() => _sink.Dispose();
}
