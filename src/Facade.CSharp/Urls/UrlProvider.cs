using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// A source of URLs that is asked for each artifact, for one target or for several of one cell. It never gives the object
/// of one artifact to another.
/// </summary>
/// <param name="provider">What gives the URLs.</param>
/// <param name="sent">The objects of all sources of the cell; its own if null.</param>
/// <param name="isStrict">True to reject a URL that is plainly another artifact's and has no known signature.</param>
/// <param name="logger">Takes a warning of such a URL. None if null.</param>
internal sealed class UrlProvider(
    IPresignedUrlProvider provider,
    SentObjects? sent = null,
    bool isStrict = false,
    ILogger? logger = null
) : IUrlSource
{
    /// <summary>The number of warnings of one kind.</summary>
    private const int MostWarnings = 10;

    private readonly ConcurrentDictionary<string, byte> _asked = new(StringComparer.Ordinal);
    private int _warnings;
    private readonly SentObjects _sent = sent ?? new();

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<UrlAnswer> AskAsync(
        PushPlan plan,
        UrlRequest request,
        CancellationToken cancellationToken
    )
    {
        PresignedUrlResponse? response;
        try
        {
            // It may pay no heed to the token.
            var answer = provider.GetUrlAsync(PresignedUrlRequest.Of(request), cancellationToken);
            response = answer.IsCompletedSuccessfully
                ? answer.Result
                : await answer.AsTask().OrGiveUpAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PresignedUrlException exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new UrlAnswer(null, Sentence(Redaction.Text(exception.Message)))
            {
                IsTransient = exception.IsTransient,
                RetryAfter = exception.RetryAfter ?? TimeSpan.Zero,
            };
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Its message is not this library's: it may quote a credential.
            return new UrlAnswer(
                null,
                $"the source of URLs failed ({exception.GetType().Name}). Throw a PresignedUrlException to give a reason"
            );
        }
        catch (Exception)
        {
            // However it put it: its time is over, and its message may quote the URL.
            throw new OperationCanceledException(cancellationToken);
        }

        var url = ProvidedUrl.Parse(response?.Url ?? "");
        if (url.IsError)
            return new UrlAnswer(
                null,
                $"the source of URLs gave a URL that cannot be used. {url.ErrorValue}"
            );

        _asked.TryAdd(request.ArtifactName, 0);
        if (PushPlanModule.PlainlyOther(_asked.ContainsKey, url.ResultValue, plan) is { Value: var mismatch })
        {
            if (isStrict)
                return new UrlAnswer(null, mismatch);
            if (logger is not null && Interlocked.Increment(ref _warnings) <= MostWarnings)
                Log.KeyMismatch(logger, request.ArtifactName, mismatch);
        }

        var admitted = _sent.Admit(url.ResultValue, plan);
        return admitted.Url is null
            ? admitted
            : admitted with
            {
                Headers = response!.Headers is { Count: > 0 } headers
                    ? ListModule.OfSeq(headers)
                    : FSharpList<KeyValuePair<string, string>>.Empty,
                ExpiresAt = response.ExpiresAt,
            };
    }

    /// <inheritdoc />
    public RequestUrl? Known(ArtifactName artifact) => null;

    /// <summary>The message as a part of a sentence: what follows ends it.</summary>
    private static string Sentence(string message) =>
        message.Length > 1 && char.IsUpper(message[0]) && !char.IsUpper(message[1])
            ? char.ToLowerInvariant(message[0]) + message[1..]
            : message;
}
