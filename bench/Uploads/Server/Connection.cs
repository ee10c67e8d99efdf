using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>One connection: a request after another, each read to its end and answered with a success.</summary>
internal sealed class Connection(Socket socket, Tally tally, bool reportsChecksum)
{
    private static readonly byte[] Continue = "HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray();

    /// <summary>The name of the header, and the length of its value in Base64.</summary>
    private const string ChecksumHeader = "x-amz-checksum-crc64nvme: ";
    private const int ChecksumLength = 12;

    /// <summary>
    /// The response of Amazon S3 with encryption by a key of KMS: its ETag is no MD5. The end is filled in for each object.
    /// </summary>
    private readonly byte[] _stored = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\n"
            + "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n"
            + "x-amz-request-id: 318BC8BC148832E5\r\n"
            + $"Date: {DateTime.UtcNow:R}\r\n"
            + "ETag: \"9b2cf535f27731c974343645a3985328-1\"\r\n"
            + "Content-Length: 0\r\nServer: Uploads\r\n"
    );
    private readonly byte[] _checksum = Encoding.ASCII.GetBytes(
        $"{ChecksumHeader}{new string('=', ChecksumLength)}\r\n\r\n"
    );

    private static readonly byte[] _headEnd = "\r\n"u8.ToArray();
    private readonly byte[] _response = new byte[1024];

    /// <summary>Heads, and what comes with them.</summary>
    private readonly byte[] _buffer = new byte[16 * 1024];

    /// <summary>Never written to: what is discarded has to have a place all the same.</summary>
    private readonly byte[] _discarded = GC.AllocateUninitializedArray<byte>(1 << 20);
    private int _filled;

    internal void Serve()
    {
        using var _ = socket;
        socket.NoDelay = true;
        try
        {
            while (TryReadHead(out var length))
                if (!TryServe(length))
                    return;
        }
        catch (SocketException)
        {
            // The client has gone; what it sent was not whole, and is not counted.
        }
    }

    /// <returns>Whether there is one.</returns>
    private bool TryReadHead(out int length)
    {
        while (true)
        {
            var end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
            length = end + 4;
            if (end >= 0)
                return true;
            var read = _filled < _buffer.Length ? socket.Receive(_buffer.AsSpan(_filled)) : 0;
            if (read == 0)
                return false;
            _filled += read;
        }
    }

    /// <returns>Whether the connection may carry another request.</returns>
    private bool TryServe(int headLength)
    {
        var head = RequestHead.Parse(_buffer.AsSpan(0, headLength));
        if (head.BodyLength < 0 || !(head.IsPut || head.IsStats))
        {
            Send("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
            return false;
        }

        var atHand = (int)Math.Min(_filled - headLength, head.BodyLength);
        if (head.ExpectsContinue && atHand == 0)
            Send(Continue);
        if (!TryDiscard(head.BodyLength - atHand))
            return false;

        var checksum = _checksum.AsSpan(ChecksumHeader.Length, ChecksumLength);
        var hasChecksum = reportsChecksum && ObjectName.TryReadChecksum(head.Path, checksum);
        var taken = headLength + atHand;
        _buffer.AsSpan(taken, _filled - taken).CopyTo(_buffer);
        _filled -= taken;
        if (head.IsStats)
        {
            SendStats();
            return true;
        }

        tally.Add(head.IsMeasured, head.PayloadLength);
        _stored.CopyTo(_response.AsSpan());
        var ending = hasChecksum ? _checksum : _headEnd;
        ending.CopyTo(_response.AsSpan(_stored.Length));
        Send(_response.AsSpan(0, _stored.Length + ending.Length));
        return true;
    }

    /// <returns>Whether all of it has come.</returns>
    private bool TryDiscard(long left)
    {
        var flags = OperatingSystem.IsLinux() ? SocketFlags.Truncated : SocketFlags.None;
        while (left > 0)
        {
            var read = socket.Receive(_discarded.AsSpan(0, (int)Math.Min(left, _discarded.Length)), flags);
            if (read == 0)
                return false;
            left -= read;
        }

        return true;
    }

    private void SendStats()
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(tally.Look(), BenchJson.Line);
        Send(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n"));
        Send(body);
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }
}
