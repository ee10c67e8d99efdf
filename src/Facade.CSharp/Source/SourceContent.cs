using System.Net;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Source;

/// <summary>
/// The body of one attempt: streams the file and takes its digests in the same pass. The last bytes are held back
/// until the file proved unchanged, so a server never has the whole of a body that was mixed.
/// </summary>
internal sealed class SourceContent : HttpContent
{
    /// <summary>
    /// How much is handed over at once: large enough to make few calls, small enough that a slow connection is seen to
    /// move.
    /// </summary>
    private const int PartSize = 64 * 1024;

    private readonly SourceFile _source;
    private readonly long _length;
    private readonly IReadOnlyCollection<DigestAlgorithm> _digests;
    private readonly Action _moved;
    private readonly Lock _gate = new();
    private long _sent;
    private volatile bool _mayBeComplete;
    private volatile bool _isCut;

    /// <param name="source">The file.</param>
    /// <param name="length">How many bytes of it, from its beginning.</param>
    /// <param name="digests">The algorithms of the digests to take besides the SHA-256.</param>
    /// <param name="moved">Told of each piece that was read or handed over.</param>
    internal SourceContent(
        SourceFile source,
        long length,
        IReadOnlyCollection<DigestAlgorithm> digests,
        Action moved
    )
    {
        _source = source;
        _length = length;
        _digests = digests;
        _moved = moved;
    }

    /// <summary>Whether the transport has asked for the body, for which it needs a connection.</summary>
    internal bool HasBegun { get; private set; }

    /// <summary>How many bytes have been handed over.</summary>
    internal long BytesSent => Interlocked.Read(ref _sent);

    /// <summary>
    /// Whether the last byte may have left: from the moment at which it is handed over, whatever comes of that.
    /// </summary>
    internal bool MayBeComplete => _mayBeComplete;

    /// <summary>
    /// The connection takes nothing more: the file is not read to its end, and what HttpClient still wants for the
    /// announced length is made up and goes nowhere.
    /// </summary>
    internal void Cut()
    {
        lock (_gate)
            _isCut = true;
    }

    /// <summary>The same, where the last bytes have been handed over and are known not to have left.</summary>
    internal void CutBeforeLast()
    {
        lock (_gate)
            (_isCut, _mayBeComplete) = (true, false);
    }

    /// <summary>The same, if the last byte has not left: of the two, one comes first.</summary>
    internal bool TryCut()
    {
        lock (_gate)
        {
            if (_mayBeComplete)
                return false;

            _isCut = true;
            return true;
        }
    }

    /// <summary>Told how many bytes have been handed over, after each buffer.</summary>
    internal Action<long>? OnSent { private get; init; }

    /// <summary>How many bytes it has.</summary>
    internal long Length => _length;

    /// <summary>Told of the end, which is seen here alone: HttpClient only learns that the body is out.</summary>
    internal ReplyWatch? End { private get; set; }

    /// <summary>What was sent, once all of it has been handed over.</summary>
    internal Sent? Sent { get; private set; }

    /// <summary>What was wrong with the file, if that ended the attempt.</summary>
    internal SourceException? SourceFault { get; private set; }

    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken
    )
    {
        HasBegun = true;
        if (End is not null)
            End.BodyBegins();
        else
            _moved();
        Interlocked.Exchange(ref _sent, 0);
        Sent = null;
        try
        {
            await SendAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch (SourceException exception)
        {
            SourceFault = exception;
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var pass = new SourcePass(_source, _length, _digests, _moved);
        var offset = 0L;
        do
        {
            if (_isCut)
                break;

            var left = await pass.NextAsync(cancellationToken).ConfigureAwait(false);
            _moved();
            do
            {
                var part = left[..Math.Min(left.Length, PartSize)];
                left = left[part.Length..];
                offset += part.Length;
                if (offset == _length)
                {
                    await pass.ProveAsync(cancellationToken).ConfigureAwait(false);
                    await SealAsync(stream, cancellationToken).ConfigureAwait(false);
                }

                await stream.WriteAsync(part, cancellationToken).ConfigureAwait(false);
                if (offset == _length)
                    await FlushAsync(stream, cancellationToken).ConfigureAwait(false);
                if (_isCut)
                    break;

                Interlocked.Exchange(ref _sent, offset);
                OnSent?.Invoke(offset);
                _moved();
            } while (left.Length > 0);
        } while (offset < _length);

        if (_isCut)
        {
            await FillAsync(stream, _length - offset, cancellationToken).ConfigureAwait(false);
            return;
        }

        Sent = await pass.DigestsAsync().ConfigureAwait(false);
    }

    /// <summary>From here on the body may be complete, unless it was cut.</summary>
    private async ValueTask SealAsync(Stream stream, CancellationToken cancellationToken)
    {
        if (End is not null)
            await End.BeforeLastAsync(stream, cancellationToken).ConfigureAwait(false);
        lock (_gate)
            _mayBeComplete = !_isCut;
    }

    /// <summary>The server need not wait for the digests.</summary>
    private async ValueTask FlushAsync(Stream stream, CancellationToken cancellationToken)
    {
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (End is not null)
            await End.AfterLastAsync().ConfigureAwait(false);
    }

    private static async ValueTask FillAsync(Stream stream, long left, CancellationToken cancellationToken)
    {
        var nothing = new byte[Math.Min(PartSize, left)];
        for (; left > 0; left -= PartSize)
            await stream
                .WriteAsync(nothing.AsMemory(0, (int)Math.Min(PartSize, left)), cancellationToken)
                .ConfigureAwait(false);
    }
}
