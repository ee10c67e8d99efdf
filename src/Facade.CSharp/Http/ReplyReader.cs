using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Http;

/// <summary>Reads from a response what the core asks for: its headers, and the beginning of its body.</summary>
internal static class ReplyReader
{
    private const int MaxBodyBytes = S3ErrorModule.MaxBytes;

    /// <summary>The time in which each piece of a success's body must arrive: its head has told most already.</summary>
    private static readonly TimeSpan SuccessPieceTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Reads the response to an attempt.</summary>
    /// <param name="response">The response, whose body has not been read.</param>
    /// <param name="sent">What was sent, if the whole body was.</param>
    /// <param name="isFollowed">Whether bytes came behind its head, which are its body, or do not belong to it.</param>
    /// <param name="moved">Called for each piece of the body.</param>
    /// <param name="time">The clock.</param>
    /// <param name="attempt">Ends with the attempt's time, or when the caller cancels.</param>
    /// <param name="caller">Ends when the caller cancels.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled while the body was read.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal static async ValueTask<Reply> ReadAsync(
        HttpResponseMessage response,
        Sent? sent,
        bool isFollowed,
        Action moved,
        TimeProvider time,
        CancellationToken attempt,
        CancellationToken caller
    )
    {
        // Chunks count where both are there (RFC 9112, 6.3).
        var isEmpty =
            response.Content.Headers.ContentLength == 0 && response.Headers.TransferEncodingChunked != true;
        var hasStray = isFollowed && (isEmpty || response.StatusCode == HttpStatusCode.NoContent);
        var (body, end) = isEmpty
            ? (ReadOnlyMemory<byte>.Empty, BodyEnd.Whole)
            : await ReadBodyAsync(response, moved, time, attempt, caller).ConfigureAwait(false);
        return ReplyModule.Read(
            (int)response.StatusCode,
            Headers(response),
            body,
            end.IsWhole && (hasStray || !HasClearLength(response)) ? BodyEnd.BrokenOff : end,
            sent is null ? null : FSharpOption<Sent>.Some(sent)
        );
    }

    /// <summary>The headers, and the fields behind a chunked body: a store may report its checksum, or an error, there.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Headers(HttpResponseMessage response)
    {
        foreach (
            var headers in new[]
            {
                response.Headers.NonValidated,
                response.Content.Headers.NonValidated,
                response.TrailingHeaders.NonValidated,
            }
        )
        foreach (var header in headers)
        foreach (var value in header.Value)
            yield return new(header.Key, value);
    }

    /// <summary>
    /// True if the end of the body is where the headers say: they have one length, no transfer coding but <c>chunked</c>,
    /// and no length for a status without a body (RFC 9112, 6.3). What was read may be less than the server has sent.
    /// </summary>
    private static bool HasClearLength(HttpResponseMessage response)
    {
        var codings = Values(response.Headers.NonValidated, "Transfer-Encoding");
        var lengths = Values(response.Content.Headers.NonValidated, "Content-Length");
        return codings.Length <= 1
            && Array.TrueForAll(
                codings,
                coding => coding.Equals("chunked", StringComparison.OrdinalIgnoreCase)
            )
            && Array.TrueForAll(lengths, length => length.Equals(lengths[0], StringComparison.Ordinal))
            && (
                response.StatusCode != HttpStatusCode.NoContent
                || (codings.Length == 0 && Array.TrueForAll(lengths, length => length.Trim('0') == ""))
            );
    }

    private static string[] Values(HttpHeadersNonValidated headers, string name) =>
        headers.TryGetValues(name, out var values)
            ? values
                .ToString()
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [];

    /// <summary>
    /// Reads as much of a body as the core looks at. A body that breaks off, or is late, counts as far as it came: the
    /// status is known already, and the core gets the information that there was more.
    /// </summary>
    private static async Task<(ReadOnlyMemory<byte> Body, BodyEnd End)> ReadBodyAsync(
        HttpResponseMessage response,
        Action moved,
        TimeProvider time,
        CancellationToken attempt,
        CancellationToken caller
    )
    {
        using var limit = response.IsSuccessStatusCode
            ? new CancellationTokenSource(SuccessPieceTimeout, time)
            : null;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(attempt, limit?.Token ?? attempt);
        // One byte more than the core looks at shows that there is more.
        var buffer = Array.Empty<byte>();
        var filled = 0;
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false);
            while (filled <= MaxBodyBytes)
            {
                if (filled == buffer.Length)
                    Array.Resize(ref buffer, Math.Clamp(2 * filled, 1024, MaxBodyBytes + 1));
                var read = await stream.ReadAsync(buffer.AsMemory(filled), both.Token).ConfigureAwait(false);
                if (read == 0)
                    return (buffer.AsMemory(0, filled), BodyEnd.Whole);
                moved();
                limit?.CancelAfter(SuccessPieceTimeout);
                filled += read;
            }
        }
        catch (Exception) when (!caller.IsCancellationRequested)
        {
            // See above.
            return (
                buffer.AsMemory(0, filled),
                both.IsCancellationRequested ? BodyEnd.Late : BodyEnd.BrokenOff
            );
        }

        return (buffer.AsMemory(0, MaxBodyBytes), BodyEnd.TooLong);
    }
}
