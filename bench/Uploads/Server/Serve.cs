using System.Net;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using MsOptions = Microsoft.Extensions.Options.Options;

namespace CellOS.Export.S3.Bench.Server;

/// <summary><c>serve</c>: Kestrel on a free port of loopback. It prints its URL, and ends with its standard input.</summary>
internal static class Serve
{
    internal static async Task<int> RunAsync()
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false };
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        var sockets = new SocketTransportOptions();
        using var server = new KestrelServer(
            MsOptions.Create(kestrel),
            new SocketTransportFactory(MsOptions.Create(sockets), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance
        );
        await server.StartAsync(new DrainApplication(), CancellationToken.None);
        Console.WriteLine(server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());

        while (await Console.In.ReadLineAsync() is not null) { }
        await server.StopAsync(new CancellationToken(canceled: true));
        return 0;
    }
}
