using System.Globalization;
using System.Text.Json;
using CellOS.Export.S3.Bench.Peers;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>
/// Takes each PUT as it comes and forgets it: no digest, no copy, no check of the signature. It shares the machine with
/// whom it serves, so whatever it did would count against the fastest of the peers most.
/// </summary>
internal sealed class DrainApplication : IHttpApplication<IFeatureCollection>
{
    /// <summary>
    /// As that of an object that was uploaded in parts, which is no MD5: nobody has an answer to hold against what was
    /// sent, and nobody is refused for having sent it.
    /// </summary>
    private static readonly StringValues ETag = "\"9b2cf535f27731c974343645a3985328-1\"";
    private static readonly StringValues RequestId = "4442587FB7D0A2F9";

    private long _requests;
    private long _bytes;
    private long _warmUps;

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception) { }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        if (request.Path == Delivered.Path)
            await TellAsync(context);
        else if (request.Method == "PUT")
            await DrainAsync(context, request);
        else
            context.GetRequiredFeature<IHttpResponseFeature>().StatusCode = 405;
    }

    private async Task DrainAsync(IFeatureCollection context, IHttpRequestFeature request)
    {
        var body = context.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var received = 0L;
        while (true)
        {
            var read = await body.ReadAsync();
            received += read.Buffer.Length;
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }

        if (request.Path.StartsWith(PresignedUrls.MeasuredPath, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _requests);
            Interlocked.Add(ref _bytes, PayloadOf(request, received));
        }
        else
            Interlocked.Increment(ref _warmUps);

        var headers = context.GetRequiredFeature<IHttpResponseFeature>().Headers;
        headers.ETag = ETag;
        headers["x-amz-request-id"] = RequestId;
        headers.ContentLength = 0;
    }

    /// <summary>A body in signed chunks (<c>aws-chunked</c>) is longer than what is in it, and never shorter.</summary>
    private static long PayloadOf(IHttpRequestFeature request, long received) =>
        request.Headers.TryGetValue("x-amz-decoded-content-length", out var text)
            ? Math.Min(received, long.Parse(text.ToString(), CultureInfo.InvariantCulture))
            : received;

    private async Task TellAsync(IFeatureCollection context)
    {
        var delivered = new Delivered(
            Interlocked.Read(ref _requests),
            Interlocked.Read(ref _bytes),
            Interlocked.Read(ref _warmUps)
        );
        var writer = context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        await writer.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(delivered));
    }
}
