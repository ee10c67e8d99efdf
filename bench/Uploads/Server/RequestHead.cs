using System.Buffers.Text;
using System.Text;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>What the server needs to know of a request: no more than it takes to find its end.</summary>
internal readonly ref struct RequestHead
{
    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    internal bool IsPut { get; private init; }

    /// <summary>The path of the request target, without its query.</summary>
    internal ReadOnlySpan<byte> Path { get; private init; }

    /// <summary>Whether it asks for <see cref="Delivered"/>.</summary>
    internal bool IsStats { get; private init; }

    /// <summary>Whether it is part of a measurement, not of a warm-up.</summary>
    internal bool IsMeasured { get; private init; }

    internal bool ExpectsContinue { get; private init; }

    /// <summary>How many bytes follow; -1 if the request does not say.</summary>
    internal long BodyLength { get; private init; }

    /// <summary>
    /// How many bytes of a file there are in them: a body in signed chunks (<c>aws-chunked</c>) is longer than its
    /// payload, never shorter.
    /// </summary>
    internal long PayloadLength { get; private init; }

    /// <param name="head">From the request line to the empty line, with that.</param>
    internal static RequestHead Parse(ReadOnlySpan<byte> head)
    {
        var requestLine = head[..head.IndexOf(LineEnd)];
        var method = requestLine[..requestLine.IndexOf((byte)' ')];
        var target = requestLine[(method.Length + 1)..];
        var path = target[..target.IndexOfAny((byte)'?', (byte)' ')];
        var body = 0L;
        long? payload = null;
        var expects = false;
        for (var rest = head[(requestLine.Length + 2)..]; ; )
        {
            var line = rest[..rest.IndexOf(LineEnd)];
            if (line.IsEmpty)
                break;
            rest = rest[(line.Length + 2)..];
            var colon = line.IndexOf((byte)':');
            var name = line[..colon];
            var value = line[(colon + 1)..].Trim(" "u8);
            if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
                body = Number(value);
            else if (Ascii.EqualsIgnoreCase(name, "x-amz-decoded-content-length"u8))
                payload = Number(value);
            else if (Ascii.EqualsIgnoreCase(name, "Expect"u8))
                expects = true;
            else if (Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
                body = -1;
        }

        return new RequestHead
        {
            IsPut = method.SequenceEqual("PUT"u8),
            Path = path,
            IsStats = target.StartsWith(Delivered.Path),
            IsMeasured = target.StartsWith(PresignedUrls.MeasuredPath),
            ExpectsContinue = expects,
            BodyLength = body,
            PayloadLength = Math.Min(payload ?? body, body),
        };
    }

    private static long Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long number, out var used) && used == text.Length && number >= 0
            ? number
            : -1;
}
