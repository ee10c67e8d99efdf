using System.Net.Sockets;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Puts the exceptions of HttpClient into the core's words. It tells what happened, not what follows from it.
/// </summary>
internal static class FaultMapper
{
    /// <summary>What happened.</summary>
    /// <param name="exception">What the transport threw.</param>
    /// <param name="host">The host that the request was for.</param>
    /// <param name="bodyBegun">Whether a connection was there: the transport had asked for the body.</param>
    internal static (FaultKind Kind, string Detail) Classify(Exception exception, string host, bool bodyBegun)
    {
        if (Find<CertificateRejectedException>(exception) is { } rejected)
            return (
                rejected.NamesAnotherHost
                    ? FaultKind.CertificateNameMismatch
                    : FaultKind.CertificateUntrusted,
                rejected.Message
            );

        // SocketsHttpHandler's ConnectTimeout, or an HttpClient's own Timeout, which also covers the connection.
        if (Find<TimeoutException>(exception) is not null)
            return bodyBegun
                ? (FaultKind.RequestTimeout, $"there was no reply from {host} in time")
                : (FaultKind.ConnectTimeout, $"there was no connection to {host} in time");

        return exception is HttpRequestException request
            ? OfRequest(request, host)
            : OfTransport(exception, host);
    }

    private static (FaultKind, string) OfRequest(HttpRequestException exception, string host) =>
        exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => (
                FaultKind.NameResolution,
                $"the host name {host} could not be resolved"
            ),
            HttpRequestError.ConnectionError => (
                FaultKind.ConnectionRefused,
                $"no connection to {host} could be made ({Innermost(exception)})"
            ),
            HttpRequestError.SecureConnectionError => (
                FaultKind.TlsHandshake,
                $"the TLS handshake with {host} failed ({Innermost(exception)})"
            ),
            HttpRequestError.ProxyTunnelError => (
                FaultKind.Proxy,
                $"the proxy did not connect to {host} ({exception.Message})"
            ),
            HttpRequestError.ResponseEnded => (
                FaultKind.ConnectionClosed,
                $"{host} closed the connection before the reply was complete"
            ),
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded => (
                FaultKind.InvalidReply,
                $"{host} sent what is no HTTP reply ({exception.Message})"
            ),
            _ => OfTransport(exception, host),
        };

    private static (FaultKind, string) OfTransport(Exception exception, string host) =>
        Find<SocketException>(exception)?.SocketErrorCode switch
        {
            SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => (
                FaultKind.ConnectionReset,
                $"the connection to {host} was reset"
            ),
            { } code => (FaultKind.Network, $"the connection to {host} failed ({code})"),
            null => (
                FaultKind.Network,
                $"the request to {host} failed ({exception.GetType().Name}: {Innermost(exception)})"
            ),
        };

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
