using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Sees when the answer to one request begins. HttpClient does not tell: after <c>Expect: 100-continue</c> it takes
/// an early success for leave to send the body, and reports it as if it had come after.
/// </summary>
internal sealed class ReplyWatch(SourceContent content, StallWatch stall)
{
    /// <summary>Where the first digit of the status stands: <c>HTTP/1.1 2</c> (RFC 9112, 4).</summary>
    private const int StatusAt = 9;

    private static readonly AsyncLocal<ReplyWatch?> CurrentWatch = new();

    private volatile bool _hasBegun;
    private volatile bool _isEarly;
    private int _position;
    private bool _isInterim;
    private uint _lastFour;

    /// <summary>The watch on the request that this flow of control is sending.</summary>
    internal static ReplyWatch? Current
    {
        get => CurrentWatch.Value;
        set => CurrentWatch.Value = value;
    }

    /// <summary>Whether the final answer has begun to come; those of the 100s come before it.</summary>
    internal bool HasBegun => _hasBegun;

    /// <summary>Whether it began before the whole body had been handed over.</summary>
    internal bool IsEarly => _isEarly;

    /// <summary>Takes note that there is a connection, and that something is about to be written to it.</summary>
    internal void Send() => stall.Moved();

    /// <summary>Takes note of bytes that came from the server.</summary>
    internal void Receive(ReadOnlySpan<byte> bytes)
    {
        stall.Moved();
        foreach (var octet in bytes)
        {
            if (_hasBegun)
                return;

            if (_position == StatusAt)
                _isInterim = octet == (byte)'1';
            if (_position >= StatusAt && !_isInterim)
            {
                _isEarly = !content.MayBeComplete;
                _hasBegun = true;
                return;
            }

            _position++;
            _lastFour = _lastFour << 8 | octet;
            // An empty line ends the interim answer, and the next one begins.
            if (_lastFour == 0x0d0a0d0a)
                _position = 0;
        }
    }
}
