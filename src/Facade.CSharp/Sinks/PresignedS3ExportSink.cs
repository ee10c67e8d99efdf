using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>
/// Exports artifacts to an S3 bucket by presigned PUT URLs: one artifact, one PUT, one receipt. The signature in the
/// URL is the whole authentication; this machine holds no AWS credentials, and no AWS environment variable is read.
/// Redirects are not followed. Any number of threads may use one sink at once.
/// </summary>
public sealed class PresignedS3ExportSink : IBatchSink, IDisposable
{
    private readonly PushChannel _channel;

    /// <summary>
    /// A sink with the timeouts that the environment sets (<see cref="S3ExportTimeouts"/>) and defaults for the rest.
    /// </summary>
    /// <param name="presignedUrl">The presigned PUT URL, exact or a template; see <see cref="PresignedS3ExportSinkOptions.PresignedUrl"/>.</param>
    /// <param name="cellId">The cell whose evidence this is: one path segment.</param>
    /// <param name="bucket">The bucket of the logical address.</param>
    /// <param name="keyPrefix">What stands before the cell id in the key; null for nothing.</param>
    /// <param name="region">The region of the bucket, for the receipt; null if unknown.</param>
    /// <param name="caBundle">A PEM file with authorities to trust besides the system's; null for none.</param>
    /// <param name="maxAttempts">All tries, the first included: 1 or more.</param>
    /// <param name="retryBackoffMs">The fixed wait between attempts in milliseconds: 0 or more.</param>
    /// <exception cref="ArgumentException">One or more of these are not valid; the message names all of them, and no part of the URL's query.</exception>
    public PresignedS3ExportSink(
        string presignedUrl,
        string cellId,
        string bucket,
        string? keyPrefix,
        string? region,
        string? caBundle,
        int maxAttempts,
        long retryBackoffMs
    )
        : this(
            new PresignedS3ExportSinkOptions
            {
                PresignedUrl = presignedUrl,
                CellId = cellId,
                Bucket = bucket,
                KeyPrefix = keyPrefix,
                Region = region,
                CaBundle = caBundle,
                MaxAttempts = maxAttempts,
                RetryBackoff = Milliseconds(retryBackoffMs),
                RequestTimeout = TimeSpan.FromMilliseconds(
                    S3ExportTimeouts.ResolveTimeoutMs(
                        S3ExportTimeouts.EnvRequestTimeoutMs,
                        S3ExportTimeouts.DefaultRequestTimeoutMs
                    )
                ),
                ConnectTimeout = TimeSpan.FromMilliseconds(
                    S3ExportTimeouts.ResolveTimeoutMs(
                        S3ExportTimeouts.EnvConnectTimeoutMs,
                        S3ExportTimeouts.DefaultConnectTimeoutMs
                    )
                ),
            }
        ) { }

    /// <summary>
    /// A sink that makes and owns its HTTP connections, through the proxies that this process's environment names
    /// (<c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>, also in lower case).
    /// </summary>
    /// <param name="options">What goes where, and how.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told of attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="ArgumentException">
    /// One or more options are not valid, or a variable names no proxy that can be used; the message names all of them,
    /// no part of the URL's query, and no user name or password of a proxy.
    /// </exception>
    public PresignedS3ExportSink(
        PresignedS3ExportSinkOptions options,
        TimeProvider? timeProvider = null,
        ILogger<PresignedS3ExportSink>? logger = null
    )
        : this(options, null, timeProvider, logger, null) { }

    /// <summary>A sink that sends with a client of the caller's, for hosts that pool their connections themselves.</summary>
    /// <param name="options">
    /// What goes where, and how. <see cref="PresignedS3ExportSinkOptions.CaBundle"/> and
    /// <see cref="PresignedS3ExportSinkOptions.ConnectTimeout"/> belong to the client's handler and are not applied;
    /// <see cref="CreateHandler"/> makes one that does.
    /// </param>
    /// <param name="httpClient">
    /// The client, which the sink does not dispose of. Its handler must not follow redirects (a push through one that
    /// does is reported as <see cref="ExportFailureKind.Redirected"/>), retry or add headers: a signature is for one host
    /// and certain headers. Make it on <see cref="CreateHandler"/>; with another one, a server's success that comes
    /// before the end of the body cannot be told from one that comes after. On one of <see cref="CreateHandler"/>, a
    /// handler of your own around it must send nothing but the request: a second connection within it ends the attempt.
    /// It has no default headers but
    /// <c>User-Agent</c>, and a <see cref="HttpClient.Timeout"/> no shorter than the request timeout of the options,
    /// which bounds every attempt.
    /// </param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Told of attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them, and no part of the URL's query.</exception>
    public PresignedS3ExportSink(
        PresignedS3ExportSinkOptions options,
        HttpClient httpClient,
        TimeProvider? timeProvider = null,
        ILogger<PresignedS3ExportSink>? logger = null
    )
        : this(options, NotNull(httpClient), timeProvider, logger, null) { }

    internal PresignedS3ExportSink(
        PresignedS3ExportSinkOptions options,
        HttpMessageInvoker? http,
        TimeProvider? timeProvider,
        ILogger? logger,
        Func<double>? roll
    )
        : this(SinkParts.From(options, http, timeProvider, logger), timeProvider, logger, roll) { }

    internal PresignedS3ExportSink(
        SinkParts parts,
        TimeProvider? timeProvider,
        ILogger? logger,
        Func<double>? roll = null
    ) => _channel = new PushChannel(this, parts, timeProvider, logger, roll);

    /// <inheritdoc />
    public ExportTargetKind TargetKind => ExportTargetKind.S3;

    /// <summary>
    /// A handler as a sink makes it for itself: it follows no redirect, keeps no cookie, sends no <c>traceparent</c>,
    /// sends nothing twice, applies the connect timeout and the CA bundle of the options, and goes through the proxies
    /// that this process's environment names (<c>HTTP_PROXY</c>, <c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>,
    /// <c>NO_PROXY</c>, also in lower case).
    /// </summary>
    /// <param name="options">Where connect timeout and CA bundle come from; all of them are checked.</param>
    /// <exception cref="ArgumentException">
    /// One or more options are not valid, or a variable names no proxy that can be used; the message names all of them.
    /// </exception>
    public static SocketsHttpHandler CreateHandler(PresignedS3ExportSinkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var handler = new HandlerDraft(options);
        SinkTarget.From(options, handler.Problems);
        return handler.Create();
    }

    /// <inheritdoc />
    public string DestinationHint(string name) => _channel.DestinationHint(name);

    /// <summary>
    /// Returns where an artifact would be sent now: scheme, host and path, without the query. Nothing is sent.
    /// </summary>
    /// <param name="name">The artifact's name.</param>
    /// <returns>Null where the URL is asked of a provider, or a manifest has none.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public string? ObjectUrlHint(string name) =>
        KnownUrl(name) is { } url ? RequestUrlModule.AddressOf(DestinationHint(name), url) : null;

    /// <inheritdoc cref="PushChannel.KnownUrl" />
    internal RequestUrl? KnownUrl(string name) => _channel.KnownUrl(name);

    /// <inheritdoc cref="PushChannel.UnfitHeaders" />
    internal string? UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        _channel.UnfitHeaders(name, metadata);

    RequestUrl? IBatchSink.KnownUrl(string name) => KnownUrl(name);

    SpoolInner IBatchSink.Inner => _channel.Inner;

    string? IBatchSink.UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        UnfitHeaders(name, metadata);

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

    /// <summary>Exports one artifact, and tells how far it is.</summary>
    /// <param name="artifact">The file and its name.</param>
    /// <param name="progress">
    /// Receives how far the body of each attempt is: at 0 bytes, then each time another hundredth of the file, and 256 KiB at
    /// least, has been handed to the connection, and at the last byte. That is 101 reports an attempt at most, and 2 for a file
    /// of up to 256 KiB. It is called while the body is sent, so it should be quick. If it throws, the push goes on without
    /// further reports. Null for no reports.
    /// </param>
    /// <param name="cancellationToken">Ends the export without a receipt.</param>
    /// <returns>The receipt: the artifact is stored, and as certain as the receipt says.</returns>
    /// <exception cref="ArgumentException">The name or a piece of metadata is not valid.</exception>
    /// <exception cref="ExportException">The artifact was not exported; the exception says why and what to do.</exception>
    /// <exception cref="ObjectDisposedException">The sink has been disposed of.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled; the artifact may have been stored.</exception>
    public Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => _channel.PushAsync(artifact, progress, cancellationToken);

    /// <summary>
    /// Exports many artifacts, several at once. Each gives one result, a receipt or a failure, as it ends; one failure
    /// does not stop the rest. What is given is looked through by the call, once; the export begins with the
    /// enumeration, and every enumeration is an export of its own.
    /// </summary>
    /// <param name="artifacts">The artifacts: each with a name of its own.</param>
    /// <param name="options">How many at once, and what receives progress and results; null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the batch: no other artifact is begun, those under way are cancelled, and the results that there are come
    /// before the <see cref="OperationCanceledException"/>. The token of the enumeration does the same.
    /// </param>
    /// <returns>
    /// The results in the order in which they come. At most twice as many as may be under way at once wait to be read;
    /// then nothing is begun until one is. A caller that leaves early (<c>break</c>) cancels what is under way, and waits for
    /// it. An exception that is no failure of one artifact (the sink has been disposed of,
    /// <see cref="ExportBatchOptions.OnCompleted"/> threw) comes last; those under way go on to their ends before it.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// A name or a piece of metadata is not valid, two artifacts have one name, or an option is not valid: the message
    /// tells all of it, up to 50, and nothing is sent.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The sink has been disposed of.</exception>
    public IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options = null,
        CancellationToken cancellationToken = default
    ) => _channel.PushManyAsync(artifacts, options, cancellationToken);

    /// <summary>
    /// Releases the connections that the sink made itself, and ends the URL command that it started: that takes two
    /// seconds if the command does not exit at the end of its input. Let pushes end first, or cancel them: what is under way
    /// goes on to the end of its attempt, and ends as <see cref="ObjectDisposedException"/> if it needs another.
    /// </summary>
    public void Dispose() => _channel.Dispose();

    /// <summary>What is too long for a TimeSpan is too long for the core as well, which says so.</summary>
    internal static TimeSpan Milliseconds(long milliseconds) =>
        milliseconds > TimeSpan.MaxValue.TotalMilliseconds ? TimeSpan.MaxValue
        : milliseconds < TimeSpan.MinValue.TotalMilliseconds ? TimeSpan.MinValue
        : TimeSpan.FromMilliseconds(milliseconds, 0);

    internal static HttpClient NotNull(HttpClient httpClient)
    {
        ArgumentNullException.ThrowIfNull(httpClient);
        return httpClient;
    }
}
