namespace CellOS.Export.S3.Bench.Peers;

/// <summary>Where the sink gets its URLs from: one of these.</summary>
internal sealed record SinkUrls
{
    internal string? Template { get; init; }
    internal Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>? Provider { get; init; }
    internal string? ManifestFile { get; init; }
    internal BrokerAddress? Broker { get; init; }
}

/// <summary>The reference broker, as the sink reaches it.</summary>
/// <param name="Url">Its Unix socket, such as <c>unix:/path</c>.</param>
/// <param name="TokenFile">The file with the bearer token.</param>
/// <param name="Process">Its process id.</param>
internal sealed record BrokerAddress(string Url, string TokenFile, int Process);

/// <summary>The product, with its defaults where nothing else is said.</summary>
internal sealed class SinkPeer : IPeer
{
    private readonly PresignedS3ExportSink _sink;
    private readonly S3ExportIntegrity _integrity;

    /// <param name="urls">The source of URLs.</param>
    /// <param name="digests"><see cref="DigestChoice.Verify"/> or <see cref="DigestChoice.Off"/>.</param>
    internal SinkPeer(SinkUrls urls, DigestChoice digests)
    {
        _integrity = digests switch
        {
            DigestChoice.Verify or DigestChoice.Bound => S3ExportIntegrity.Verify,
            DigestChoice.Off => S3ExportIntegrity.Off,
            _ => throw new UsageException(
                "The sink decides which digests it takes: --digests verify, bound or off."
            ),
        };
        _sink = new PresignedS3ExportSink(
            new PresignedS3ExportSinkOptions
            {
                PresignedUrl = urls.Template,
                PresignedUrlProvider = urls.Provider,
                PresignedUrlsFile = urls.ManifestFile,
                BrokerUrl = urls.Broker?.Url,
                BrokerTokenFile = urls.Broker?.TokenFile,
                BindDigest = digests == DigestChoice.Bound,
                CellId = PresignedUrls.CellId,
                Bucket = PresignedUrls.Bucket,
                Region = PresignedUrls.Region,
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
