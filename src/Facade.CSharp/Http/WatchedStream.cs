namespace CellOS.Export.S3.Http;

/// <summary>
/// A connection on which answers are watched. A server that closes it without an answer is told as that: HttpClient
/// by itself would send the request again, up to three times, and say nothing.
/// </summary>
internal sealed class WatchedStream(Stream inner) : Stream
{
    /// <summary>On the request that was last written to this connection.</summary>
    private volatile ReplyWatch? _watch;

    public override bool CanRead => inner.CanRead;
    public override bool CanSeek => false;
    public override bool CanWrite => inner.CanWrite;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => Note(inner.Read(buffer), buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    ) => Note(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Span);

    public override Task<int> ReadAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Attach();
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        Attach();
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        inner.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>A request is written by the flow that sends it; an answer may be read ahead by another.</summary>
    private void Attach()
    {
        if (ReplyWatch.Current is not { } current)
            return;

        _watch = current;
        current.Send();
    }

    private int Note(int read, ReadOnlySpan<byte> buffer)
    {
        if (read > 0)
            _watch?.Receive(buffer[..read]);
        else if (buffer.Length > 0 && _watch is { HasBegun: false })
            throw new HttpIOException(
                HttpRequestError.ResponseEnded,
                "The connection was closed without an answer."
            );
        return read;
    }
}
