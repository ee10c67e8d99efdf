using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace CellOS.Export.S3.Http;

/// <summary>
/// A connection on which answers are watched, from the first byte of a request on, also while its body is being sent.
/// HttpClient by itself looks for an answer only then when the body is out, and loses one that came before if the
/// server has cut the connection. Here,
/// <list type="bullet">
/// <item>a final answer ends the sending (RFC 9112, 9.5): what is left of the body goes nowhere;</item>
/// <item>a connection that takes no more bytes is still read: the answer that lies there tells why;</item>
/// <item>one that the server closes without an answer is reported as that: HttpClient would send the request again, up to
/// three times, and say nothing;</item>
/// <item>one that did not take a whole request is not used again.</item>
/// </list>
/// </summary>
internal sealed class WatchedStream : ConnectionStream
{
    private readonly Stream _inner;
    private readonly Socket? _socket;
    private readonly ReadAhead _reader;
    private readonly CancellationTokenSource _stop = new();
    private HeldBack _held;

    /// <summary>On the request that was last written to this connection.</summary>
    private volatile ReplyWatch? _watch;

    /// <summary>No answer has begun to come on it.</summary>
    private volatile bool _isFresh;

    /// <summary>Nothing more is written.</summary>
    private volatile bool _isCut;

    /// <param name="inner">The connection.</param>
    /// <param name="socket">What it is a connection of; null where a proxy's tunnel lies between.</param>
    internal WatchedStream(Stream inner, Socket? socket)
        : base(inner)
    {
        _inner = inner;
        _socket = socket;
        _reader = new ReadAhead(inner, Note);
    }

    /// <summary>
    /// Reads from the first moment on: what a server says before it is asked is no answer, and nothing else tells it from
    /// one.
    /// </summary>
    internal WatchedStream Listen()
    {
        _isFresh = true;
        _reader.Begin();
        return this;
    }

    /// <summary>
    /// Whether something has come that is about to be read. What is not read (there is no room left to read ahead, or
    /// reading has failed) may lie there for good.
    /// </summary>
    internal bool HasUnread
    {
        get
        {
            try
            {
                return (_isFresh && _reader.IsStarting)
                    || (_socket is { Available: > 0 } && _reader.IsReading);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It is closed; the reader learns it.
                return false;
            }
        }
    }

    public override ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    ) =>
        // HttpClient looks so whether a connection may be used again.
        _isCut && ReplyWatch.Current != _watch
            ? ValueTask.FromResult(0)
            : _reader.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        Attach();
        return _isCut || (_watch is { IsEnding: true } && _held.TryAdd(buffer.Span))
            ? ValueTask.CompletedTask
            : SendAsync(buffer);
    }

    /// <summary>Sends what was held back, if anything was.</summary>
    internal ValueTask ReleaseAsync() =>
        _isCut || _held.Bytes.IsEmpty ? ValueTask.CompletedTask : SendAsync(ReadOnlyMemory<byte>.Empty);

    /// <summary>Sends what was held back, and these.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        try
        {
            if (_watch is { IsLast: true } watch)
            {
                while (!watch.HasBegun && HasUnread)
                    await Task.Delay(1, _stop.Token).ConfigureAwait(false);
                if (watch.HasBegun)
                {
                    watch.CutBeforeLast();
                    Cut();
                    return;
                }
            }

            // HttpClient gives no token of its own: it disposes of a connection to end what is under way.
            if (!_held.Bytes.IsEmpty)
            {
                await _inner.WriteAsync(_held.Bytes, _stop.Token).ConfigureAwait(false);
                // Not after an exception: the system may be reading from it still.
                _held.Clear();
            }

            if (!buffer.IsEmpty)
                await _inner.WriteAsync(buffer, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (_watch is not null && (_isCut || IsCutByServer(exception)))
        {
            // The reader learns the result.
            Cut();
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        _isCut ? Task.CompletedTask : base.FlushAsync(cancellationToken);

    /// <summary>A request is written by the flow that sends it; an answer may be read ahead by another.</summary>
    private void Attach()
    {
        if (ReplyWatch.Current is not { } current)
            return;

        if (current != _watch)
        {
            if (_isCut)
                throw new SpentConnectionException();

            current.Attach(this);
            _watch = current;
            // On a fresh connection, all that has come is for this request; on another, it is for none.
            if (_isFresh)
                _reader.LookAgain(() => _isFresh);
            _reader.Begin();
        }

        current.Moved();
    }

    /// <summary>What of an answer has come is looked at; its beginning is worth reading ahead.</summary>
    private bool Note(ReadOnlySpan<byte> read)
    {
        if (_watch is not { } watch)
            return false;

        if (!read.IsEmpty)
        {
            _isFresh = false;
            if (watch.Receive(read))
                Cut();
            return !watch.HasBegun;
        }

        return watch.HasBegun
            ? false
            : throw new HttpIOException(
                HttpRequestError.ResponseEnded,
                "The connection was closed without an answer."
            );
    }

    private void Cut()
    {
        _isCut = true;
        _watch?.Cut();
        _stop.Cancel();
    }

    private static bool IsCutByServer(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
            if (
                inner is SocketException
                {
                    SocketErrorCode: SocketError.ConnectionReset
                        or SocketError.ConnectionAborted
                        or SocketError.Shutdown
                }
            )
                return true;

        return false;
    }
}

/// <summary>
/// The connection did not take the whole of an earlier request, and nothing of this one was written to it: HttpClient
/// hands a connection from one request straight to another that waits, without a look at it.
/// </summary>
internal sealed class SpentConnectionException()
    : IOException("The connection did not take the whole of an earlier request.");
