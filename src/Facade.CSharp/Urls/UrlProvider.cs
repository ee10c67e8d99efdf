using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// A delegate of the caller's that gives URLs, for one target or for several of one cell. What each object was for is
/// remembered, the URL as a digest: it may be a credential.
/// </summary>
internal sealed class UrlProvider(Func<PresignedUrlRequest, CancellationToken, ValueTask<string>> provider)
    : IUrlSource
{
    private readonly ConcurrentDictionary<string, (ArtifactName, Destination)> _objects = new(
        StringComparer.Ordinal
    );

    /// <inheritdoc />
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
            Headers = PushPlanModule
                .Headers(plan)
                .ToDictionary(
                    RequestHeaderModule.Name,
                    RequestHeaderModule.Reveal,
                    StringComparer.OrdinalIgnoreCase
                ),
        };
        string? text;
        try
        {
            // It may pay no heed to the token.
            text = await provider(request, cancellationToken)
                .AsTask()
                .OrGiveUpAsync(cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Its message is not this library's: it may quote the URL.
            return new UrlAnswer(
                null,
                $"the source of URLs failed ({exception.GetType().Name}: {Redaction.Plain(exception.Message)})"
            );
        }

        var url = RequestUrlModule.Parse(text ?? "");
        return url.IsError
            ? new UrlAnswer(null, $"the source of URLs gave none that can be used. {url.ErrorValue.Message}")
            : Admit(url.ResultValue, plan);
    }

    private UrlAnswer Admit(RequestUrl url, PushPlan plan)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(UrlManifestModule.ObjectOf(url)));
        var (artifact, destination) = _objects.GetOrAdd(
            Convert.ToHexString(digest),
            (plan.Artifact, plan.Destination)
        );
        var admitted = UrlTemplateModule.AdmitToAddress(
            artifact,
            destination,
            plan.Artifact,
            plan.Destination
        );
        return admitted.IsError ? new UrlAnswer(null, admitted.ErrorValue.Message) : new UrlAnswer(url, "");
    }
}
