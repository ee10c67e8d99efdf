using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// A delegate of the caller's that gives URLs, for one target or for several of one cell. What each object was for is
/// remembered, the URL as a digest: it may be a credential.
/// </summary>
internal sealed class UrlProvider(Func<PresignedUrlRequest, CancellationToken, ValueTask<string>> provider)
    : IUrlSource
{
    private readonly ConcurrentDictionary<Digest, (ArtifactName, Destination)> _objects = new();

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
            : Admit(url.ResultValue, plan);
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

    private UrlAnswer Admit(RequestUrl url, PushPlan plan)
    {
        var (artifact, destination) = _objects.GetOrAdd(
            Digest.Of(UrlManifestModule.ObjectOf(url)),
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

    /// <summary>A SHA-256, in 32 bytes and no object.</summary>
    private readonly record struct Digest(UInt128 High, UInt128 Low)
    {
        internal static Digest Of(string text)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), digest);
            return new(
                BinaryPrimitives.ReadUInt128BigEndian(digest),
                BinaryPrimitives.ReadUInt128BigEndian(digest[16..])
            );
        }
    }
}
