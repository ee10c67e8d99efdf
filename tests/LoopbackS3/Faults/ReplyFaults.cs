using System.Text;

namespace LoopbackS3;

internal sealed record StatusReply(
    int Code,
    string? ErrorCode,
    string? Message,
    string? RetryAfter,
    bool BeforeBody,
    IReadOnlyDictionary<string, string>? Headers
) : Fault
{
    internal override Task<bool> BeforeBodyAsync(Exchange exchange) =>
        BeforeBody ? OverAfter(ReplyAsync(exchange)) : GoOn;

    internal override Task<bool> AfterBodyAsync(Exchange exchange) => OverAfter(ReplyAsync(exchange));

    private Task ReplyAsync(Exchange exchange)
    {
        Headers headers = [.. Headers ?? new Dictionary<string, string>()];
        if (RetryAfter is not null)
            headers.Add(new("Retry-After", RetryAfter));
        return ErrorCode is null
            ? exchange.ReplyAsync(Code, headers)
            : exchange.RefuseAsync(new S3Error(Code, ErrorCode, Message ?? ErrorCode), headers);
    }
}

internal sealed record Redirection(int Code, Uri Location, string? Region, string? Endpoint) : Fault
{
    internal override Task<bool> BeforeBodyAsync(Exchange exchange)
    {
        Headers headers = [new("Location", Location.OriginalString)];
        if (Region is not null)
            headers.Add(new("x-amz-bucket-region", Region));
        var error = new S3Error(
            Code,
            Code == 301 ? "PermanentRedirect" : "TemporaryRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint."
                + " Please send all future requests to this endpoint."
        );
        if (Endpoint is not null)
            error = error.With("Endpoint", Endpoint);
        return OverAfter(exchange.RefuseAsync(error.With("Bucket", exchange.Bucket), headers));
    }
}

internal sealed record OtherETag(bool Kms) : Fault
{
    internal override Task<bool> AfterStoreAsync(Exchange exchange, Headers reply)
    {
        reply.RemoveAll(header => header.Key == "ETag" || (Kms && SseKms.Headers.Contains(header)));
        reply.Add(new("ETag", SseKms.NewETag()));
        if (Kms)
            reply.AddRange(SseKms.Headers);
        return GoOn;
    }
}

internal sealed record FlippedBit : Fault
{
    internal override bool Corrupts => true;
}

internal sealed record LongError(int Code, long Bytes) : Fault
{
    internal override async Task<bool> AfterBodyAsync(Exchange exchange)
    {
        await exchange.StartReplyAsync(Code, "application/xml");
        await exchange.WriteAsync("<Error><Code>InternalError</Code><Message>"u8.ToArray());
        var filler = Enumerable.Repeat((byte)'x', 16 * 1024).ToArray();
        for (var left = Bytes; left > 0; left -= filler.Length)
            await exchange.WriteAsync(filler.AsMemory(0, (int)Math.Min(left, filler.Length)));
        await exchange.WriteAsync("</Message></Error>"u8.ToArray());
        return true;
    }
}

/// <summary>Bodies that an error reader has to survive.</summary>
public enum BrokenBody
{
    /// <summary>A proxy's error page.</summary>
    Html,

    /// <summary>S3's XML, cut off within the message.</summary>
    TruncatedXml,

    /// <summary>Bytes that are no text in any encoding.</summary>
    Binary,

    /// <summary>A document type whose entities grow to gigabytes when expanded.</summary>
    DoctypeBomb,
}

internal sealed record BrokenError(int Code, BrokenBody Body) : Fault
{
    internal override Task<bool> AfterBodyAsync(Exchange exchange) =>
        OverAfter(
            exchange.ReplyAsync(Code, [], Bytes(), Body == BrokenBody.Html ? "text/html" : "application/xml")
        );

    private byte[] Bytes() =>
        Body switch
        {
            BrokenBody.Html =>
                "<!doctype html><html><body><h1>Bad Gateway</h1><hr>&nbsp;</body></html>"u8.ToArray(),
            BrokenBody.TruncatedXml =>
                "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Mess"u8.ToArray(),
            BrokenBody.Binary => [.. Enumerable.Range(0, 512).Select(i => (byte)(255 - i * 7))],
            _ => Encoding.UTF8.GetBytes(Bomb()),
        };

    private static string Bomb()
    {
        var entities = Enumerable
            .Range(1, 9)
            .Select(i => $"<!ENTITY e{i} \"{string.Concat(Enumerable.Repeat($"&e{i - 1};", 10))}\">");
        return "<!DOCTYPE Error [<!ENTITY e0 \"x\">"
            + string.Concat(entities)
            + "]><Error><Code>&e9;</Code><Message>&e9;</Message></Error>";
    }
}
