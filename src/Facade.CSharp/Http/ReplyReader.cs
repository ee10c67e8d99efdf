using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Http;

/// <summary>Takes from a response what the core wants to know, and nothing else.</summary>
internal static class ReplyReader
{
    /// <summary>Header values longer than this are no ids and no tags.</summary>
    private const int LongestValue = 1024;

    /// <summary>Reads the reply to an attempt.</summary>
    /// <param name="response">Its head; the body has not been read.</param>
    /// <param name="sent">What was sent, if the whole body was.</param>
    /// <param name="moved">Told of each piece of the body.</param>
    /// <param name="attempt">Ends with the attempt's time, or with the caller's patience.</param>
    /// <param name="caller">Ends with the caller's patience.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled while an error body was read.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal static async ValueTask<Reply> ReadAsync(
        HttpResponseMessage response,
        Sent? sent,
        Action moved,
        CancellationToken attempt,
        CancellationToken caller
    )
    {
        var status = (int)response.StatusCode;
        var body =
            status < 300
                ? ReadOnlyMemory<byte>.Empty
                : await ReadBodyAsync(response, moved, attempt, caller).ConfigureAwait(false);
        var headers = response.Headers;

        return new Reply(
            status,
            Header(headers, "ETag"),
            Header(headers, "x-amz-version-id"),
            Header(headers, "x-amz-request-id"),
            Header(headers, "x-amz-id-2"),
            Header(headers, "x-amz-server-side-encryption"),
            Header(headers, "x-amz-server-side-encryption-customer-algorithm"),
            Header(headers, "x-amz-checksum-sha256"),
            Header(headers, "Retry-After"),
            Header(headers, "x-amz-retry-after"),
            Header(headers, "x-amz-bucket-region"),
            CoreMapping.ToOption(headers.Location is { IsAbsoluteUri: true } location ? location.Host : null),
            body.IsEmpty ? null : S3ErrorModule.TryParse(body),
            sent is null ? null : FSharpOption<Sent>.Some(sent)
        );
    }

    private static FSharpOption<string>? Header(HttpResponseHeaders headers, string name)
    {
        if (!headers.NonValidated.TryGetValues(name, out var values))
            return null;

        var value = values.ToString();
        return value.Length is 0 or > LongestValue ? null : FSharpOption<string>.Some(value);
    }

    /// <summary>
    /// As much of an error body as the core looks at. One that breaks off, or is not there in time, is as good as
    /// what came of it: the status is known already.
    /// </summary>
    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        HttpResponseMessage response,
        Action moved,
        CancellationToken attempt,
        CancellationToken caller
    )
    {
        var buffer = new byte[MaxBodyBytes];
        var filled = 0;
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(attempt).ConfigureAwait(false);
            while (filled < buffer.Length)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(filled), attempt).ConfigureAwait(false);
                if (read == 0)
                    break;
                moved();
                filled += read;
            }
        }
        catch (Exception) when (!caller.IsCancellationRequested)
        {
            // See above.
        }

        return buffer.AsMemory(0, filled);
    }

    private const int MaxBodyBytes = S3ErrorModule.MaxBytes;
}
