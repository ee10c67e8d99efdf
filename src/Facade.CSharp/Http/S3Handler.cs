using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>The handler that this library sends with.</summary>
internal static class S3Handler
{
    /// <summary>
    /// How long to wait for the answer to <c>Expect: 100-continue</c>. A server that ignores it costs that much; one
    /// that refuses later than this may do so in the middle of the body, where its refusal can be lost.
    /// </summary>
    private static readonly TimeSpan ContinueTimeout = TimeSpan.FromSeconds(3);

    /// <summary>From the making of a connection to the filter of its stream, which TLS may lie around.</summary>
    private static readonly ConditionalWeakTable<HttpRequestMessage, Made> Connections = [];

    /// <summary>A connection, and the server or proxy that it was made to.</summary>
    private sealed record Made(Socket Socket, DnsEndPoint EndPoint);

    /// <summary>
    /// Sends what it is told and nothing else: follows no redirect, keeps no cookie, adds no <c>traceparent</c>,
    /// decodes no body, and sends nothing twice.
    /// </summary>
    internal static SocketsHttpHandler Create(TimeSpan connectTimeout, CaBundle trust, ProxyRules proxies) =>
        new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = !proxies.IsEmpty,
            Proxy = proxies.IsEmpty ? null : new EnvironmentProxy(proxies),
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = connectTimeout,
            Expect100ContinueTimeout = ContinueTimeout,
            // A host's address may change while a service lives for months.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseDrainSize = 64 * 1024,
            SslOptions = { RemoteCertificateValidationCallback = trust.Validate },
            ConnectCallback = ConnectAsync,
            PlaintextStreamFilter = (context, _) => ValueTask.FromResult(Filter(context)),
        };

    /// <summary>True if a TCP connection was made for the request, to the server or to a proxy that it goes through.</summary>
    internal static bool HasConnected(HttpRequestMessage request) => Connections.TryGetValue(request, out _);

    private static Stream Filter(SocketsHttpPlaintextStreamFilterContext context)
    {
        Connections.TryGetValue(context.InitialRequestMessage, out var made);
        var request = context.InitialRequestMessage;
        // What a proxy says to the request for a tunnel is no reply to the PUT.
        if (request.Method != HttpMethod.Connect)
        {
            Tunnels.Forget(Tunnels.Name(request.RequestUri!));
            return new WatchedStream(context.PlaintextStream, made?.Socket).Listen();
        }

        if (context.PlaintextStream is SslStream && made is not null)
            ProxyHandshakes.Note(made.EndPoint.Host, made.EndPoint.Port);
        var server = request.Headers.Host ?? "";
        Tunnels.Forget(server);
        return new TunnelStream(context.PlaintextStream, server);
    }

    /// <summary>
    /// As the handler does by itself, but for the look-up of the name: that goes on when it is cancelled, so the
    /// connect timeout would not bound it.
    /// </summary>
    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken
    )
    {
        var endpoint = context.DnsEndPoint;
        var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, cancellationToken)
            .OrGiveUpAsync(cancellationToken)
            .ConfigureAwait(false);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, endpoint.Port, cancellationToken).ConfigureAwait(false);
            Connections.AddOrUpdate(context.InitialRequestMessage, new Made(socket, endpoint));
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
