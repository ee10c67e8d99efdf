global using Headers = System.Collections.Generic.List<System.Collections.Generic.KeyValuePair<
    string,
    string
>>;
using System.Buffers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace LoopbackS3;

/// <summary>One request and the ways to answer it, down to the socket.</summary>
internal sealed class Exchange(
    HttpContext context,
    RequestLog log,
    int index,
    Dialect dialect,
    CancellationToken ended
)
{
    private readonly string _requestId = Convert.ToHexString(RandomNumberGenerator.GetBytes(8));
    private readonly string _hostId = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48));

    public RecordedRequest Request => log[index];
    public string Bucket => Request.Bucket;
    public Dialect Dialect => dialect;

    /// <summary>Fires when the client goes away or the server is disposed.</summary>
    public CancellationToken Ended => ended;

    public Task RefuseAsync(S3Error error, Headers? headers = null) =>
        ReplyAsync(error.Status, headers ?? [], error.ToXml(_requestId, _hostId), "application/xml");

    public async Task ReplyAsync(
        int status,
        Headers? headers = null,
        ReadOnlyMemory<byte> body = default,
        string? contentType = null
    )
    {
        Headers all = contentType is null
            ? headers ?? []
            : [.. headers ?? [], new("Content-Type", contentType)];
        if (status >= 300 && ClientWaits)
        {
            await SendRawAsync(Head(status, all, body.Length));
            await SendRawAsync(body);
            Close();
            return;
        }
        Answer(status);
        foreach (var (name, value) in Common(all))
            context.Response.Headers.Append(name, value);
        // A 204 and a 304 have no length to state (RFC 9110, section 8.6).
        if (status is not (204 or 304))
            context.Response.ContentLength ??= body.Length;
        if (body.IsEmpty || HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.FlushAsync(ended);
        else
            await WriteAsync(body);
    }

    /// <summary>A reply of unknown length, to be written piece by piece.</summary>
    public Task StartReplyAsync(int status, string contentType)
    {
        Answer(status);
        foreach (var (name, value) in Common([]))
            context.Response.Headers.Append(name, value);
        context.Response.ContentType = contentType;
        return context.Response.Body.FlushAsync(ended);
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes) =>
        await context.Response.Body.WriteAsync(bytes, ended);

    /// <summary>The head of a reply, as bytes for <see cref="SendRawAsync"/>.</summary>
    public byte[] Head(int status, Headers headers, int length = 0)
    {
        Answer(status);
        Headers all = [.. Common(headers), new("Content-Length", $"{length}"), new("Connection", "close")];
        var lines = all.Select(header => $"{header.Key}: {header.Value}\r\n");
        var reason = ReasonPhrases.GetReasonPhrase(status);
        return Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {reason}\r\n{string.Concat(lines)}\r\n");
    }

    /// <summary>Past Kestrel, which must not have begun a reply of its own.</summary>
    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await Socket.SendAsync(bytes, SocketFlags.None, ended)..];
    }

    /// <summary>A real RST, whatever Kestrel holds right for an abort (RFC 9293, section 3.10.5).</summary>
    public void Reset()
    {
        Socket.Close(timeout: 0);
        context.Abort();
    }

    /// <summary>
    /// An orderly FIN, which <see cref="HttpContext.Abort"/> is not: it resets. Where bytes of the client
    /// are left unread the system sends a RST all the same.
    /// </summary>
    public void Close()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other side was first.
        }
        Socket.Close();
        context.Abort();
    }

    public async Task WaitForTheEndAsync()
    {
        await Task.Delay(Timeout.Infinite, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Close();
    }

    /// <summary>Null when the fault ended the exchange on the way. A body cut short throws.</summary>
    public async Task<Upload?> ReadBodyAsync(
        LoopbackS3Options options,
        IReadOnlyCollection<Digest> wanted,
        Fault fault
    )
    {
        var upload = new Upload(options, wanted, fault.Corrupts);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (true)
            {
                var most = Math.Min(buffer.Length, fault.ReadAtMost(upload.Length));
                var count = await context.Request.Body.ReadAsync(buffer.AsMemory(0, most), ended);
                if (count == 0)
                    break;
                upload.Append(buffer.AsSpan(0, count));
                log.Change(index, request => request with { BodyBytes = upload.Length });
                if (await fault.AfterReadAsync(this, count, upload.Length))
                    return null;
            }
            upload.Complete();
            var sha256 = upload.Received.Hex(Digest.Sha256);
            log.Change(index, request => request with { BodySha256 = sha256 });
            return upload;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            upload.Dispose();
        }
    }

    public long? ContentLength => context.Request.ContentLength;

    private Socket Socket => context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;

    /// <summary>Recorded before it is sent, so that whoever has the reply also finds it in the log.</summary>
    private void Answer(int status)
    {
        context.Response.StatusCode = status;
        log.Change(index, request => request with { Status = status });
    }

    /// <summary>
    /// A client that waits for 100 Continue and gets an error may or may not send the body (RFC 9110,
    /// section 10.1.1). Closing spares the server from guessing; Kestrel would first wait for that body.
    /// </summary>
    private bool ClientWaits =>
        Request is { ExpectContinue: true, BodyBytes: 0 } && context.Request.ContentLength is not 0;

    private Headers Common(Headers headers) =>
        [.. dialect.Ids(_requestId, _hostId), new("Server", "LoopbackS3"), .. headers];
}
