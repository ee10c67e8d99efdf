using System.Net;
using System.Text;
using CellOS.Export.S3.Bench.Peers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>
/// <c>serve kestrel</c>: the same with a web server as people have it, which reads a body to drain it. For the large
/// file alone: there it takes about as much of the machine as a fast network would.
/// </summary>
internal static class KestrelServer
{
    internal static async Task<int> RunAsync()
    {
        var tally = new Tally();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinRequestBodyDataRate = null;
        });
        await using var server = builder.Build();
        server.Run(context => AnswerAsync(context, tally));
        await server.StartAsync();
        Console.WriteLine(server.Urls.Single());

        while (await Console.In.ReadLineAsync() is not null) { }
        return 0;
    }

    private static async Task AnswerAsync(HttpContext context, Tally tally)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.WriteAsJsonAsync(tally.Look(), BenchJson.Line);
            return;
        }

        var length = 0L;
        while (true)
        {
            var read = await context.Request.BodyReader.ReadAsync();
            length += read.Buffer.Length;
            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }

        tally.Add(IsMeasured(context.Request.Path), length);
        context.Response.Headers.ETag = "\"9b2cf535f27731c974343645a3985328-1\"";
        context.Response.Headers["x-amz-request-id"] = "318BC8BC148832E5";
        var checksum = new byte[12];
        if (ObjectName.TryReadChecksum(Encoding.ASCII.GetBytes(context.Request.Path.Value!), checksum))
            context.Response.Headers["x-amz-checksum-crc64nvme"] = Encoding.ASCII.GetString(checksum);
    }

    private static bool IsMeasured(PathString path) =>
        path.Value!.Contains($"/{PresignedUrls.Measured}", StringComparison.Ordinal);
}
