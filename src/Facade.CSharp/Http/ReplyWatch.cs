using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Sees when the answer to one request begins. HttpClient does not tell: it may take an early success for one that
/// came after the body, and an answer to nothing for the answer to the request.
/// </summary>
internal sealed class ReplyWatch(SourceContent content, StallWatch stall, ProxyRoute route)
{
    /// <summary>Where the first digit of the status stands: <c>HTTP/1.1 2</c> (RFC 9112, 4).</summary>
    private const int StatusAt = 9;

    private static readonly AsyncLocal<ReplyWatch?> CurrentWatch = new();

    private WatchedStream? _connection;
    private volatile bool _hasBegun;
    private volatile bool _isCut;
    private int _position;
    private bool _isInterim;
    private bool _lineIsEmpty;
    private bool _headIsOver;
    private byte _follower;

    /// <summary>The watch on the request that this flow of control is sending.</summary>
    internal static ReplyWatch? Current
    {
        get => CurrentWatch.Value;
        set => CurrentWatch.Value = value;
    }

    /// <summary>Which way the request goes.</summary>
    internal ProxyRoute Route => route;

    /// <summary>Whether the rest of the request follows at once, and is little.</summary>
    internal bool IsEnding { get; private set; }

    /// <summary>Whether what is written next has the last bytes of the request, or precedes them.</summary>
    internal bool IsLast { get; private set; }

    /// <summary>
    /// Whether something other than a response followed the head of the final response, in what was read of it: its body,
    /// or, where it has no body, what does not belong to it.
    /// </summary>
    internal bool IsFollowed => _follower is not (0 or (byte)'H');

    /// <summary>Whether the final answer has begun to come; those of the 100s come before it.</summary>
    internal bool HasBegun => _hasBegun;

    /// <summary>
    /// Whether it came before the whole body had been handed over, or, on a connection that was in use before, even
    /// before the request. Only the connections of this library's own handler are watched.
    /// </summary>
    internal bool IsEarly => _isCut || (_connection is not null && !_hasBegun);

    /// <summary>
    /// Takes note that the request goes out on this connection. It goes out on one only, and once: what is written to
    /// another in its flow is a request of somebody else's, whose answer would be taken for this one's.
    /// </summary>
    /// <exception cref="IOException">It has a connection.</exception>
    internal void Attach(WatchedStream connection)
    {
        if (Interlocked.CompareExchange(ref _connection, connection, null) is not null)
            throw new IOException(
                "Another request was sent on behalf of this one: a handler around this library's own must send nothing else, and nothing twice."
            );
    }

    /// <summary>The first byte of the body is about to be written.</summary>
    internal void BodyBegins() => stall.Continue();

    /// <summary>Something is about to be written.</summary>
    internal void Moved() => stall.Moved();

    /// <summary>Nothing more of the request leaves: the server has answered, or has cut the connection.</summary>
    internal void Cut()
    {
        _isCut = true;
        content.Cut();
    }

    /// <summary>The same, before the last bytes of the request have left.</summary>
    internal void CutBeforeLast()
    {
        _isCut = true;
        content.CutBeforeLast();
    }

    /// <summary>
    /// Waits until all that has come from the server was looked at: the sender may be faster than the reader, on
    /// a machine that is busy. To be awaited before the last bytes are handed over.
    /// </summary>
    /// <param name="target">
    /// What takes them. Behind one that is not HttpClient's, others may write, and at any time: then nothing is held
    /// back.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    internal async ValueTask BeforeLastAsync(Stream target, CancellationToken cancellationToken)
    {
        while (!_hasBegun && _connection is { HasUnread: true })
            await Task.Delay(1, cancellationToken).ConfigureAwait(false);
        IsLast = true;
        IsEnding =
            content.Length <= HeldBack.Size && target.GetType().Assembly == typeof(HttpContent).Assembly;
    }

    /// <summary>The last bytes have been handed over and flushed: lets go of what was held back.</summary>
    internal ValueTask AfterLastAsync()
    {
        IsEnding = false;
        return _connection?.ReleaseAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>The request is over. A connection that it did not go out on whole can carry no other.</summary>
    internal void End()
    {
        if (_isCut)
            _connection?.Dispose();
    }

    /// <summary>Takes note of bytes that came from the server.</summary>
    /// <returns>Whether they begin a final answer although the body is not out.</returns>
    internal bool Receive(ReadOnlySpan<byte> bytes)
    {
        stall.Moved();
        foreach (var octet in bytes)
        {
            if (_hasBegun)
            {
                if (_follower != 0)
                    return false;
                Follow(octet);
                continue;
            }

            if (_position == StatusAt)
                _isInterim = octet == (byte)'1';
            if (_position >= StatusAt && !_isInterim)
            {
                stall.Continue();
                var isEarly = content.TryCut();
                _hasBegun = true;
                _lineIsEmpty = false;
                if (isEarly)
                    return true;
                continue;
            }

            _position++;
            // An empty line ends the interim answer, and the next one begins.
            if (octet == (byte)'\n' && _lineIsEmpty)
                _position = 0;
            _lineIsEmpty = octet == (byte)'\n' || (_lineIsEmpty && octet == (byte)'\r');
        }

        return false;
    }

    /// <summary>Takes note of what follows the head of the final response. Whether it begins another response does not matter here.</summary>
    private void Follow(byte octet)
    {
        if (_headIsOver && octet > (byte)' ')
            _follower = octet;
        _headIsOver |= octet == (byte)'\n' && _lineIsEmpty;
        _lineIsEmpty = octet == (byte)'\n' || (_lineIsEmpty && octet == (byte)'\r');
    }
}
