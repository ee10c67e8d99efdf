namespace CellOS.Export.S3;

/// <summary>What an <see cref="HttpPresignedUrlProvider"/> needs to know. It is checked when the provider is built.</summary>
public sealed class HttpPresignedUrlProviderOptions
{
    /// <summary>
    /// The broker: <c>https://…</c>, <c>http://</c> to a loopback address, or <c>unix:/path/to/socket</c>. Each request is a
    /// POST to this URL, or to <c>/</c> over a socket.
    /// </summary>
    public required string Url { get; set; }

    /// <summary>
    /// A file with the bearer token that the broker asks for. It is read before every request, because such tokens are
    /// renewed. Default: none.
    /// </summary>
    public string? TokenFile { get; set; }

    /// <summary>A file with certificates in PEM that are trusted in addition to the system's. Default: none.</summary>
    public string? CaBundle { get; set; }

    /// <summary>For one request to the broker as a whole: positive, at most 2,147,483,647 ms. Default: 30 s.</summary>
    public TimeSpan RequestTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultRequestTimeoutMs);

    /// <summary>To connect to the broker: positive, at most 2,147,483,647 ms. Default: 10 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } =
        TimeSpan.FromMilliseconds(S3ExportTimeouts.DefaultConnectTimeoutMs);
}
