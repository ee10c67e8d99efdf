using System.Net.Sockets;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>The way to a broker: as to the store, or over a Unix socket.</summary>
internal static class BrokerHandler
{
    /// <summary>Makes a handler for the store fit for a broker.</summary>
    internal static void Adapt(SocketsHttpHandler handler, BrokerEndpoint endpoint)
    {
        // No upload, whose connection would have to be watched.
        handler.PlaintextStreamFilter = null;
        // Without TLS the request goes to this machine only: a proxy elsewhere would see the token.
        if (endpoint is BrokerEndpoint.Http http && RequestUrlModule.Scheme(http.Item) == Uri.UriSchemeHttps)
            return;

        handler.UseProxy = false;
        handler.Proxy = null;
        if (endpoint is not BrokerEndpoint.UnixSocket { Path: var path })
            return;

        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket
                    .ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken)
                    .ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
    }

    /// <summary>What happened to a request to the broker.</summary>
    internal static (FaultKind Kind, string Detail) Classify(
        Exception exception,
        BrokerEndpoint endpoint,
        Uri uri
    )
    {
        if (
            endpoint is not BrokerEndpoint.UnixSocket
            || exception is not HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }
        )
            return FaultMapper.Classify(exception, uri, proxy: null, bodyBegun: false);

        // Another try does not change permissions.
        return exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.AccessDenied }
            ? (
                FaultKind.SourceAccessDenied,
                "this user has no permission to connect to the socket. Give it the right to write to the socket"
            )
            : (
                FaultKind.ConnectionRefused,
                $"no connection could be made ({exception.GetBaseException().Message})"
            );
    }
}
