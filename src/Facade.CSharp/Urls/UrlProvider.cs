using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// A delegate of the caller's that gives URLs, for one target or for several of one cell. It never gives the object of
/// one artifact to another.
/// </summary>
internal sealed class UrlProvider(Func<PresignedUrlRequest, CancellationToken, ValueTask<string>> provider)
    : IUrlSource
{
    private readonly SentObjects _sent = new();

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<UrlAnswer> AskAsync(
        PushPlan plan,
        int attempt,
        CancellationToken cancellationToken
    )
    {
        var request = new PresignedUrlRequest(
            ArtifactNameModule.Value(plan.Artifact),
            BucketModule.Value(plan.Target.Bucket),
            ObjectKeyModule.Value(plan.Key),
            attempt
        )
        {
            TargetName = plan.Target.Name is { Value: var name } ? TargetNameModule.Value(name) : null,
            Headers = HeadersOf(plan),
        };
        string? text;
        try
        {
            // It may pay no heed to the token.
            var answer = provider(request, cancellationToken);
            text = answer.IsCompletedSuccessfully
                ? answer.Result
                : await answer.AsTask().OrGiveUpAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Its message is not this library's: it may quote the URL.
            return new UrlAnswer(
                null,
                $"the source of URLs failed ({exception.GetType().Name}: {Redaction.Plain(exception.Message)})"
            );
        }
        catch (Exception)
        {
            // However it put it: its time is over, and its message may quote the URL.
            throw new OperationCanceledException(cancellationToken);
        }

        var url = ProvidedUrl.Parse(text ?? "");
        return url.IsError
            ? new UrlAnswer(null, $"the source of URLs gave a URL that cannot be used. {url.ErrorValue}")
            : _sent.Admit(url.ResultValue, plan);
    }

    /// <inheritdoc />
    public RequestUrl? Known(ArtifactName artifact) => null;

    private static IReadOnlyDictionary<string, string> HeadersOf(PushPlan plan)
    {
        var headers = PushPlanModule.Headers(plan);
        return headers.IsEmpty
            ? CoreMapping.NoHeaders
            : headers.ToDictionary(
                RequestHeaderModule.Name,
                RequestHeaderModule.Reveal,
                StringComparer.OrdinalIgnoreCase
            );
    }
}
