using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LoopbackS3;

/// <summary>What Kestrel runs for each request: record it, check it, hand it on.</summary>
internal sealed class S3Application(
    LoopbackS3Options options,
    ObjectStore store,
    RequestLog log,
    FaultPlan faults,
    CancellationToken stopping
) : IHttpApplication<HttpContext>
{
    private readonly PutObject _put = new(options, store, faults);

    public HttpContext CreateContext(IFeatureCollection contextFeatures) =>
        new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception) { }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        var rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var target = RequestTarget.TryParse(rawTarget);
        var index = log.Add(Record(context, rawTarget, target));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var dialect = store.DialectOf(target?.Bucket ?? "");
        var exchange = new Exchange(context, log, index, dialect, ended.Token);
        try
        {
            if (Refusal(context.Request.Method, target, log[index].Headers) is { } refusal)
                await exchange.RefuseAsync(refusal);
            else if (HttpMethods.IsPut(context.Request.Method))
                await _put.HandleAsync(exchange, target!);
            else
                await GetAsync(exchange, target!);
        }
        // The client left, cut its body short, or the server is being disposed: nobody is there to answer.
        catch (Exception e)
            when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException
            )
        {
            exchange.Close();
        }
    }

    private S3Error? Refusal(
        string method,
        RequestTarget? target,
        IReadOnlyDictionary<string, string> headers
    )
    {
        if (target is null)
            return S3Errors.InvalidUri;
        if (method is not ("PUT" or "GET" or "HEAD") || target.Key.Length == 0)
            return S3Errors.MethodNotAllowed(method);
        var isVerified = store.Bucket(target.Bucket) is not { IsBehindGateway: true };
        if (isVerified && Verifier.Check(method, target, headers, options) is { } fault)
            return fault;
        if (Encoding.UTF8.GetByteCount(target.Key) > S3Errors.MaxKeyBytes)
            return S3Errors.KeyTooLong(target.Key);
        return store.Bucket(target.Bucket) is null ? S3Errors.NoSuchBucket(target.Bucket) : null;
    }

    private async Task GetAsync(Exchange exchange, RequestTarget target)
    {
        if (store.Find(target.Bucket, target.Key) is not { } stored)
        {
            await exchange.RefuseAsync(S3Errors.NoSuchKey(target.Key));
            return;
        }
        const string mode = "x-amz-checksum-mode";
        var asksForChecksum =
            (exchange.Request.Headers.GetValueOrDefault(mode) ?? target.Query(mode)) == "ENABLED";
        Headers headers = [new("ETag", stored.ETag)];
        if (stored.VersionId is not null)
            headers.Add(new("x-amz-version-id", stored.VersionId));
        headers.AddRange(stored.Marks.Where(mark => asksForChecksum || !IsOnDemand(mark.Key)));
        var type = stored.Headers.GetValueOrDefault("Content-Type", "binary/octet-stream");
        if (exchange.Request.Method == "HEAD")
            await exchange.ReplyAsync(
                200,
                [.. headers, new("Content-Length", $"{stored.Length}")],
                default,
                type
            );
        else if (stored.Bytes is null)
            await exchange.RefuseAsync(S3Errors.BytesNotKept);
        else
            await exchange.ReplyAsync(200, headers, stored.Bytes, type);
    }

    /// <summary>S3 returns its checksums only to a client that asks ("GetObject", API Reference).</summary>
    private static bool IsOnDemand(string header) =>
        header.StartsWith(ChecksumAlgorithm.Prefix, StringComparison.Ordinal);

    private static RecordedRequest Record(HttpContext context, string rawTarget, RequestTarget? target)
    {
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key,
            header => string.Join(',', header.Value.AsEnumerable()),
            StringComparer.OrdinalIgnoreCase
        );
        return new RecordedRequest(
            context.Request.Method,
            rawTarget,
            headers,
            target?.Bucket ?? "",
            target?.Key ?? "",
            Attempt: 0,
            headers.TryGetValue("Expect", out var expect)
                && expect.Contains("100-continue", StringComparison.OrdinalIgnoreCase),
            context.Connection.Id,
            BodyBytes: 0,
            BodySha256: null,
            Status: null
        );
    }
}
