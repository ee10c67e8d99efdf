using System.Net.Sockets;
using System.Security.Authentication;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Puts the exceptions of HttpClient into the core's words. It tells what happened, not what follows from it.
/// </summary>
internal static class FaultMapper
{
    /// <summary>What happened.</summary>
    /// <param name="exception">What the transport threw.</param>
    /// <param name="url">The URL that the request was for; its host and port go into the text.</param>
    /// <param name="proxy">The proxy that it went through; null for none, or one that is not known.</param>
    /// <param name="bodyBegun">True if a connection was there: the transport had asked for the body.</param>
    /// <param name="hasConnected">True if a TCP connection was made for this request.</param>
    internal static (FaultKind Kind, string Detail) Classify(
        Exception exception,
        Uri url,
        Proxy? proxy,
        bool bodyBegun,
        bool hasConnected = false
    )
    {
        if (LocalFault.Describe(exception) is { } local)
            return (FaultKind.LocalFault, local);

        // With its port, where that is not the scheme's own.
        var host = url.Authority;
        if (Find<CertificateRejectedException>(exception) is { } rejected)
            return (
                rejected.NamesAnotherHost
                    ? FaultKind.CertificateNameMismatch
                    : FaultKind.CertificateUntrusted,
                rejected.Message
            );

        // SocketsHttpHandler's ConnectTimeout, or an HttpClient's own Timeout, which also covers the connection. When it
        // strikes, it closes the connection, which may look as if the proxy had.
        if (Find<TimeoutException>(exception) is not null)
            return bodyBegun ? (FaultKind.RequestTimeout, $"there was no reply from {host} in time")
                : proxy is not null && url.Scheme == Uri.UriSchemeHttps && Tunnels.IsGranted(url)
                    ? (
                        FaultKind.TlsTimeout,
                        $"{Name(proxy)} made the tunnel to {host}, and the TLS handshake in it did not end in time"
                    )
                : hasConnected && TlsPeer(url, proxy) is { } peer
                    ? (
                        proxy is null ? FaultKind.TlsTimeout : FaultKind.ProxyTlsTimeout,
                        $"the TCP connection to {peer} was made, and the TLS handshake did not end in time"
                    )
                : (
                    FaultKind.ConnectTimeout,
                    proxy is null
                        ? $"{host} did not answer in time"
                        : $"{Name(proxy)} did not answer, or did not reach {host}, in time"
                );

        if (Find<TunnelClosedException>(exception) is not null)
            return (
                FaultKind.Proxy,
                $"{Name(proxy)} closed the connection without an answer to the request for a tunnel to {host}"
            );

        return exception is HttpRequestException request
            ? OfRequest(request, url, proxy)
            : OfTransport(exception, Way(host, proxy));
    }

    /// <summary>The server or proxy to which the request's own TCP connection leads, if it speaks TLS; null if not.</summary>
    private static string? TlsPeer(Uri url, Proxy? proxy) =>
        (proxy?.Scheme ?? url.Scheme) != Uri.UriSchemeHttps ? null
        : proxy is null ? url.Authority
        : Name(proxy);

    /// <summary>The HTTP status with which a proxy refused a tunnel; null if it was not that.</summary>
    internal static int? ProxyStatus(Exception exception) =>
        exception is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } request
            ? (int?)request.StatusCode
            : null;

    private static (FaultKind, string) OfRequest(HttpRequestException exception, Uri url, Proxy? proxy)
    {
        var host = url.Authority;
        return exception.HttpRequestError switch
        {
            // Through a proxy, it is the proxy alone that is looked up and connected to here.
            HttpRequestError.NameResolutionError => (
                FaultKind.NameResolution,
                proxy is null
                    ? $"the host name {host} could not be resolved"
                    : $"the host name of {Name(proxy)} could not be resolved"
            ),
            HttpRequestError.ConnectionError => (
                FaultKind.ConnectionRefused,
                $"no connection to {(proxy is null ? host : Name(proxy))} could be made ({Innermost(exception)})"
            ),
            HttpRequestError.SecureConnectionError => OfHandshake(exception, url, proxy),
            HttpRequestError.ProxyTunnelError => (
                FaultKind.Proxy,
                ProxyStatus(exception) is { } status
                    ? $"{Name(proxy)} answered HTTP {status} to the request for a tunnel to {host}"
                    : $"{Name(proxy)} did not connect to {host} ({Innermost(exception)})"
            ),
            HttpRequestError.ResponseEnded => (
                FaultKind.ConnectionClosed,
                $"{Way(host, proxy)} closed the connection before the reply was complete"
            ),
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded => (
                FaultKind.InvalidReply,
                $"{Way(host, proxy)} sent bytes that are not an HTTP response ({exception.Message})"
            ),
            _ => OfTransport(exception, Way(host, proxy)),
        };
    }

    /// <summary>
    /// A handshake with a proxy (<c>HTTPS_PROXY=https://…</c>) comes before the one with the server. HttpClient does not
    /// say which of the two failed: it was the proxy's if none with this proxy has succeeded.
    /// </summary>
    private static (FaultKind, string) OfHandshake(HttpRequestException exception, Uri url, Proxy? proxy)
    {
        var isProxys =
            proxy is { Scheme: "https" } && (url.Scheme == "http" || !ProxyHandshakes.HasSucceeded(proxy));
        var with = isProxys ? Name(proxy) : Way(url.Authority, proxy);
        return IsNotTls(exception)
            ? (
                isProxys ? FaultKind.ProxyNotTls : FaultKind.NotTls,
                $"{with} does not speak TLS: the TCP connection was made, and it answered the TLS handshake with other bytes"
            )
            : (
                FaultKind.TlsHandshake,
                $"the TCP connection was made, and the TLS handshake with {with} failed ({Innermost(exception)})"
            );
    }

    /// <summary>SslStream says so of a first frame that cannot be one, and has no code for it.</summary>
    private static bool IsNotTls(Exception exception) =>
        Find<AuthenticationException>(exception) is { Message: var message }
        && message.Contains("frame", StringComparison.Ordinal);

    private static (FaultKind, string) OfTransport(Exception exception, string way) =>
        Find<SocketException>(exception)?.SocketErrorCode switch
        {
            SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => (
                FaultKind.ConnectionReset,
                $"the connection to {way} was reset"
            ),
            { } code => (FaultKind.Network, $"the connection to {way} failed ({code})"),
            null => (
                FaultKind.Network,
                $"the request to {way} failed ({exception.GetType().Name}: {Innermost(exception)})"
            ),
        };

    /// <summary>The proxy, without user name and password.</summary>
    private static string Name(Proxy? proxy) => proxy is null ? "the proxy" : $"the proxy {proxy.Authority}";

    /// <summary>The host, and the proxy on the way to it: which of the two it was cannot be told.</summary>
    private static string Way(string host, Proxy? proxy) =>
        proxy is null ? host : $"{host} (through {Name(proxy)})";

    private static string Innermost(Exception exception) => exception.GetBaseException().Message;

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        for (; exception is not null; exception = exception.InnerException)
            if (exception is T found)
                return found;

        return null;
    }
}
