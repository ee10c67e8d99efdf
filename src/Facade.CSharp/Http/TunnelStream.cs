namespace CellOS.Export.S3.Http;

/// <summary>
/// A connection to a proxy on which a tunnel is asked for. A proxy that closes it without an answer is reported as that:
/// HttpClient by itself would ask it again, up to fifteen times.
/// </summary>
internal sealed class TunnelStream(Stream inner, string server) : ConnectionStream(inner)
{
    /// <summary>Where a response has the first digit of its status: <c>HTTP/1.1 200</c>.</summary>
    private const int Status = 9;

    private readonly Stream _inner = inner;
    private bool _isAnswered;

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    ) => Note(await _inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer);

    private int Note(int read, Memory<byte> buffer)
    {
        if (!_isAnswered && read > Status && buffer.Span[Status] == '2')
            Tunnels.Grant(server);

        _isAnswered |= read > 0;
        return _isAnswered || buffer.IsEmpty ? read : throw new TunnelClosedException();
    }
}

/// <summary>A proxy closed the connection where it should have said whether there is a tunnel.</summary>
internal sealed class TunnelClosedException()
    : HttpIOException(HttpRequestError.ResponseEnded, "The proxy closed the connection without an answer.");
