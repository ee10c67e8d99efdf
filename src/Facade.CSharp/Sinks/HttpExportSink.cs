using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>
/// Exports artifacts to an HTTP endpoint: one artifact, one PUT, one receipt. Attempts, retries, proxies and checks of the
/// source are those of <see cref="PresignedS3ExportSink"/>. Any success (2xx) counts after the whole body was sent; its receipt
/// is <c>unverified</c> unless a digest in the response confirms the content. Redirects are not followed. Any number of threads
/// may use one sink at once.
/// </summary>
public sealed class HttpExportSink : IBatchSink, IDisposable
{
    private readonly PushChannel _channel;

    /// <summary>A sink with defaults for the rest.</summary>
    /// <param name="baseUrl">Where artifacts go; see <see cref="HttpExportSinkOptions.BaseUrl"/>.</param>
    /// <param name="cellId">The cell whose evidence this is: one path segment.</param>
    /// <param name="bearerToken">The token that authorizes; null for none.</param>
    /// <param name="maxAttempts">All tries, the first included: 1 or more.</param>
    /// <param name="retryBackoffMs">The fixed wait between attempts in milliseconds: 0 or more.</param>
    /// <exception cref="ArgumentException">One or more of these are not valid; the message names all of them, no query and no token.</exception>
    public HttpExportSink(
        string baseUrl,
        string cellId,
        string? bearerToken = null,
        int maxAttempts = 3,
        long retryBackoffMs = 500
    )
        : this(
            new HttpExportSinkOptions
            {
                BaseUrl = baseUrl,
                CellId = cellId,
                BearerToken = bearerToken,
                MaxAttempts = maxAttempts,
                RetryBackoff = PresignedS3ExportSink.Milliseconds(retryBackoffMs),
            }
        ) { }

    /// <summary>
    /// A sink that makes and owns its HTTP connections, through the proxies that this process's environment names
    /// (<c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>, also in lower case).
    /// </summary>
    /// <param name="options">What goes where, and how.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told of attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them, no query and no token.</exception>
    public HttpExportSink(
        HttpExportSinkOptions options,
        TimeProvider? timeProvider = null,
        ILogger<HttpExportSink>? logger = null
    )
        : this(SinkParts.From(options, null), timeProvider, logger) { }

    /// <summary>A sink that sends with a client of the caller's, for hosts that pool their connections themselves.</summary>
    /// <param name="options">
    /// What goes where, and how. <see cref="HttpExportSinkOptions.CaBundle"/> and
    /// <see cref="HttpExportSinkOptions.ConnectTimeout"/> belong to the client's handler and are not applied.
    /// </param>
    /// <param name="httpClient">
    /// The client, which the sink does not dispose of; with the rules of
    /// <see cref="PresignedS3ExportSink(PresignedS3ExportSinkOptions, HttpClient, TimeProvider, ILogger{PresignedS3ExportSink})"/>.
    /// </param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told of attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them, no query and no token.</exception>
    public HttpExportSink(
        HttpExportSinkOptions options,
        HttpClient httpClient,
        TimeProvider? timeProvider = null,
        ILogger<HttpExportSink>? logger = null
    )
        : this(SinkParts.From(options, PresignedS3ExportSink.NotNull(httpClient)), timeProvider, logger) { }

    internal HttpExportSink(
        SinkParts parts,
        TimeProvider? timeProvider,
        ILogger? logger,
        Func<double>? roll = null
    ) => _channel = new PushChannel(this, parts, timeProvider, logger, roll);

    /// <inheritdoc />
    public ExportTargetKind TargetKind => ExportTargetKind.Http;

    /// <summary>
    /// Returns the URL that an artifact of this name would be sent to, without its query. Where the query names the artifact, the
    /// cell's id and the artifact's name follow as a fragment. Nothing is sent.
    /// </summary>
    /// <inheritdoc />
    public string DestinationHint(string name) => _channel.DestinationHint(name);

    /// <inheritdoc />
    /// <exception cref="ObjectDisposedException">The sink has been disposed of.</exception>
    public Task<ExportReceipt> PushAsync(
        string name,
        string path,
        ExportArtifactMetadata? metadata = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(path);
        return _channel.PushAsync(name, path, metadata, null, cancellationToken);
    }

    /// <summary>Exports one artifact, and reports how far it is.</summary>
    /// <param name="artifact">The file and its name.</param>
    /// <param name="progress">
    /// Receives how far the body of each attempt is, as often as <see cref="PresignedS3ExportSink"/> reports. Null for no
    /// reports.
    /// </param>
    /// <param name="cancellationToken">Ends the export without a receipt.</param>
    /// <exception cref="ArgumentException">The name or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">The artifact was not exported; the exception says why and what to do.</exception>
    /// <exception cref="ObjectDisposedException">The sink has been disposed of.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the server may have the artifact.</exception>
    public Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => _channel.PushAsync(artifact, progress, cancellationToken);

    /// <summary>
    /// Exports many artifacts, several at once, as <see cref="PresignedS3ExportSink.PushManyAsync"/> does.
    /// </summary>
    /// <param name="artifacts">The artifacts: each with a name of its own.</param>
    /// <param name="options">How many at once, and what receives progress and results; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the batch.</param>
    /// <exception cref="ArgumentException">Artifacts or options are not valid: the message tells all of it, up to 50.</exception>
    /// <exception cref="ObjectDisposedException">The sink has been disposed of.</exception>
    public IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options = null,
        CancellationToken cancellationToken = default
    ) => _channel.PushManyAsync(artifacts, options, cancellationToken);

    /// <summary>The destination is the URL.</summary>
    RequestUrl? IBatchSink.KnownUrl(string name) => null;

    SpoolInner IBatchSink.Inner => _channel.Inner;

    string? IBatchSink.UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        _channel.UnfitHeaders(name, metadata);

    /// <summary>
    /// Releases the connections that the sink made itself. Let pushes end first, or cancel them.
    /// </summary>
    public void Dispose() => _channel.Dispose();
}
