namespace CellOS.Export.S3.Urls;

/// <summary>A delegate of the caller's that gives URLs.</summary>
internal sealed class DelegateUrlProvider(
    Func<PresignedUrlRequest, CancellationToken, ValueTask<string>> provider
) : IPresignedUrlProvider
{
    public async ValueTask<PresignedUrlResponse> GetUrlAsync(
        PresignedUrlRequest request,
        CancellationToken cancellationToken
    ) => new(await provider(request, cancellationToken).ConfigureAwait(false) ?? "");
}
