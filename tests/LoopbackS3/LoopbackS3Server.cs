using System.Net;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LoopbackS3;

/// <summary>
/// A small S3 on 127.0.0.1 for tests and the quickstart. It verifies presigned requests for real, stores
/// objects in memory, records what it saw, and misbehaves on demand.
/// </summary>
/// <remarks>
/// Kestrel without a host around it: a host would bring logging and signal handlers, and several of these
/// servers run side by side in one process.
/// </remarks>
public sealed class LoopbackS3Server : IAsyncDisposable
{
    private readonly LoopbackS3Options _options;
    private readonly ObjectStore _store;
    private readonly RequestLog _log = new();
    private readonly FaultPlan _faults = new();
    private readonly KestrelServer _kestrel;
    private readonly CancellationTokenSource _stopping = new();

    private LoopbackS3Server(LoopbackS3Options options)
    {
        _options = options;
        _store = new ObjectStore(options);
        var kestrel = new KestrelServerOptions { AddServerHeader = false };
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        // A key of 1,024 bytes, each percent-encoded, and a session token have to fit.
        kestrel.Limits.MaxRequestLineSize = 16 * 1024;
        var sockets = new SocketTransportOptions();
        if (options.ReceiveBufferBytes is { } bytes)
        {
            kestrel.Limits.MaxRequestBufferSize = bytes;
            sockets.CreateBoundListenSocket = endpoint =>
            {
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
                socket.ReceiveBufferSize = bytes;
                return socket;
            };
        }
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        _kestrel = new KestrelServer(
            Options.Create(kestrel),
            new SocketTransportFactory(Options.Create(sockets), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance
        );
    }

    /// <summary><c>http://127.0.0.1:port</c>, the port being any that was free.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>All objects at this moment.</summary>
    public IReadOnlyDictionary<(string Bucket, string Key), StoredObject> Objects => _store.Snapshot();

    /// <summary>All requests up to this moment, in the order of their arrival.</summary>
    public IReadOnlyList<RecordedRequest> Requests => _log.Snapshot();

    /// <summary>Asked for each upload that has no script; null from it lets the upload through.</summary>
    public Func<RecordedRequest, Fault?>? OnAttempt
    {
        get => _faults.OnAttempt;
        set => _faults.OnAttempt = value;
    }

    /// <summary>Starts a server; once the task ends it takes requests.</summary>
    public static async Task<LoopbackS3Server> StartAsync(LoopbackS3Options? options = null)
    {
        var server = new LoopbackS3Server(options ?? new LoopbackS3Options());
        await server._kestrel.StartAsync(
            new S3Application(
                server._options,
                server._store,
                server._log,
                server._faults,
                server._stopping.Token
            ),
            CancellationToken.None
        );
        var addresses = server._kestrel.Features.GetRequiredFeature<IServerAddressesFeature>();
        server.Endpoint = new Uri(addresses.Addresses.Single());
        return server;
    }

    /// <summary>
    /// The n-th PUT on the key meets the n-th fault; those after the last are let through. A refused PUT
    /// uses up its fault.
    /// </summary>
    public void Misbehave(string bucket, string key, params Fault[] faults) =>
        _faults.Script(bucket, key, faults);

    /// <summary>Each PUT on the key beyond its script meets this fault.</summary>
    public void MisbehaveAlways(string bucket, string key, Fault fault) => _faults.Always(bucket, key, fault);

    /// <summary>A URL that this server accepts; by default signed now, for an hour.</summary>
    public string Presign(
        string method,
        string bucket,
        string key,
        TimeSpan? expires = null,
        DateTimeOffset? signedAt = null,
        IReadOnlyDictionary<string, string>? headers = null,
        IReadOnlyDictionary<string, string>? query = null
    ) =>
        Presigner.Presign(
            method,
            Endpoint,
            bucket,
            key,
            _options.AccessKey,
            _options.SecretKey,
            _options.Region,
            signedAt ?? _options.TimeProvider.GetUtcNow(),
            expires ?? TimeSpan.FromHours(1),
            headers,
            query
        );

    /// <summary>Ends all connections at once, whatever they are doing.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        // Cancelled from the start: Kestrel aborts instead of waiting for requests to end.
        await _kestrel.StopAsync(new CancellationToken(canceled: true));
        _kestrel.Dispose();
    }
}
