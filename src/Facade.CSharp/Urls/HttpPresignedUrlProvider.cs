using System.Net.Http.Headers;
using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3;

/// <summary>
/// URLs from a broker over HTTP or a Unix socket: one POST of JSON for each URL. The broker holds the keys; this machine has a
/// token at most. Redirects are not followed, and <c>https</c> goes through the proxy that the environment of this process names.
/// </summary>
public sealed class HttpPresignedUrlProvider : IPresignedUrlProvider, IDisposable
{
    private static readonly Uri OverSocket = new("http://localhost/");

    private readonly BrokerEndpoint _endpoint;
    private readonly string _who;
    private readonly string? _tokenFile;
    private readonly TimeSpan _timeout;
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _time;
    private readonly EnvironmentProxy? _proxy;
    private readonly Lock _gate = new();

    /// <summary>What the broker may repeat: its address, the tokens that it got, and the URLs that it gave.</summary>
    private SourceSecrets _secrets;

    /// <summary>A provider that makes and owns its connections.</summary>
    /// <param name="options">The broker, and limits in time.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them, without secrets.</exception>
    public HttpPresignedUrlProvider(
        HttpPresignedUrlProviderOptions options,
        TimeProvider? timeProvider = null
    )
        : this(
            Checked(options, out var handler),
            NullIfBlank(options.TokenFile),
            options.RequestTimeout,
            handler,
            timeProvider
        ) { }

    internal HttpPresignedUrlProvider(
        BrokerEndpoint endpoint,
        string? tokenFile,
        TimeSpan timeout,
        SocketsHttpHandler handler,
        TimeProvider? timeProvider
    )
    {
        _endpoint = endpoint;
        _who = $"the URL broker {BrokerEndpointModule.Show(endpoint)}";
        _tokenFile = tokenFile;
        _timeout = timeout;
        _time = timeProvider ?? TimeProvider.System;
        _secrets = SourceSecretsModule.OfBroker(endpoint);
        BrokerHandler.Adapt(handler, endpoint);
        _proxy = handler.Proxy as EnvironmentProxy;
        _http = new HttpMessageInvoker(handler);
    }

    /// <inheritdoc />
    public async ValueTask<PresignedUrlResponse> GetUrlAsync(
        PresignedUrlRequest request,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        var asked = request.ToCore();
        var verdict = await AskAsync(
                asked,
                _tokenFile is null ? BrokerTokenUse.Absent : BrokerTokenUse.Read,
                cancellationToken
            )
            .ConfigureAwait(false);
        if (verdict.IsRenewToken)
            verdict = await AskAsync(asked, BrokerTokenUse.ReadAgain, cancellationToken)
                .ConfigureAwait(false);
        return verdict switch
        {
            BrokerVerdict.Granted granted => CoreMapping.ToResponse(granted.Grant),
            BrokerVerdict.Later later => throw new PresignedUrlException(Masked(asked, later.Reason))
            {
                IsTransient = true,
                RetryAfter = later.After > TimeSpan.Zero ? later.After : null,
            },
            BrokerVerdict.Refused refused => throw new PresignedUrlException(Masked(asked, refused.Reason)),
            _ => throw new InvalidOperationException("The core asked for another token twice."),
        };
    }

    /// <summary>Ends the connections.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<BrokerVerdict> AskAsync(
        UrlRequest request,
        BrokerTokenUse use,
        CancellationToken cancellationToken
    )
    {
        string? token = null;
        if (_tokenFile is not null && (token = BrokerTokenFile.Read(_tokenFile, out var problem)) is null)
            return BrokerVerdict.NewRefused(problem.TrimEnd('.'));

        if (token is not null)
            lock (_gate)
                _secrets = SourceSecretsModule.WithToken(token, _secrets);
        var uri = _endpoint is BrokerEndpoint.Http http ? RequestUrlModule.RevealUri(http.Item) : OverSocket;
        using var message = new HttpRequestMessage(HttpMethod.Post, uri)
        {
            Version = System.Net.HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(UrlRequestModule.ToJson(request)))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (token is not null)
            message.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");

        using var limit = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await _http.SendAsync(message, both.Token).ConfigureAwait(false);
            var reply = new BrokerReply(
                (int)response.StatusCode,
                CoreMapping.ToOption(First(response.Headers, "Retry-After")),
                CoreMapping.ToOption(First(response.Content.Headers, "Content-Type")),
                await ReadBodyAsync(response, both.Token).ConfigureAwait(false)
            );
            if (UrlResponseModule.Owner(request, reply.Body) is ResponseOwner.Other other)
                return BrokerVerdict.NewRefused(
                    Redaction.Known(Known(request).Values, $"{_who} gave no URL: {other.Defect}")
                );
            // A grant has no message that could show a secret; all secrets are gathered for a refusal alone.
            var verdict = BrokerVerdictModule.OfReply(_who, [], use, _time.GetUtcNow(), reply);
            if (verdict is not BrokerVerdict.Granted { Grant: var grant })
                return BrokerVerdictModule.OfReply(
                    _who,
                    Known(request).Values,
                    use,
                    _time.GetUtcNow(),
                    reply
                );
            lock (_gate)
                _secrets = SourceSecretsModule.WithGrant(grant, _secrets);
            return verdict;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (limit.IsCancellationRequested)
        {
            return BrokerVerdictModule.OfFault(
                _who,
                Known(request).Values,
                FaultKind.RequestTimeout,
                $"there was no complete response within {_timeout.TotalMilliseconds:0} ms"
            );
        }
        catch (Exception exception) when (exception is not ObjectDisposedException)
        {
            var (kind, detail) = BrokerHandler.Classify(exception, _endpoint, uri);
            // The transport may quote what a proxy said, with the credentials that the proxy was given.
            if (_proxy?.ProxyFor(uri) is { } proxy)
                detail = ProxyModule.MaskText(uri.Host, detail, proxy);
            return BrokerVerdictModule.OfFault(_who, Known(request).Values, kind, detail);
        }
    }

    /// <summary>All that the broker may repeat in its response to a request.</summary>
    private SourceSecrets Known(UrlRequest request)
    {
        lock (_gate)
            return SourceSecretsModule.WithRequest(request, _secrets);
    }

    private string Masked(UrlRequest request, string reason) =>
        $"{SourceSecretsModule.Mask(Known(request), reason)}.";

    /// <summary>Reads as much of a body as the core looks at, and one byte more, which tells that there is more.</summary>
    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        HttpResponseMessage response,
        CancellationToken cancellationToken
    )
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[2048];
        var filled = 0;
        while (filled <= UrlResponseModule.MaxBytes)
        {
            if (filled == buffer.Length)
                Array.Resize(ref buffer, Math.Min(2 * filled, UrlResponseModule.MaxBytes + 1));
            var read = await stream
                .ReadAsync(buffer.AsMemory(filled), cancellationToken)
                .ConfigureAwait(false);
            if (read == 0)
                break;
            filled += read;
        }

        return buffer.AsMemory(0, filled);
    }

    private static string? First(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static string? NullIfBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static BrokerEndpoint Checked(
        HttpPresignedUrlProviderOptions options,
        out SocketsHttpHandler handler
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var endpoint = BrokerEndpointModule.Parse(options.Url ?? "");
        var limits = LimitsModule.Check(
            new Limits(options.ConnectTimeout, options.RequestTimeout, null, null)
        );
        var trust = CaBundle.Load(options.CaBundle, out var bundleProblem);
        var proxies = EnvironmentSnapshot.ProxiesOfProcess();
        string?[] problems =
        [
            endpoint.IsError ? endpoint.ErrorValue.Message : null,
            .. limits.IsError ? limits.ErrorValue.Select(refusal => refusal.Message) : [],
            bundleProblem,
            .. proxies.Problems.Select(problem => problem.Message),
        ];
        var all = string.Join(" ", problems.OfType<string>());
        if (all.Length > 0)
            throw new ArgumentException(all, nameof(options));
        handler = S3Handler.Create(options.ConnectTimeout, trust, proxies.Rules);
        return endpoint.ResultValue;
    }
}
