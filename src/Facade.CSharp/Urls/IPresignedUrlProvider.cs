namespace CellOS.Export.S3;

/// <summary>
/// A source of presigned URLs, which a sink asks for the exact URL of each artifact before its first attempt, and again
/// after an attempt that failed because the URL had expired. Any number of threads may ask at once.
/// </summary>
public interface IPresignedUrlProvider
{
    /// <summary>Presigns a PUT of one artifact.</summary>
    /// <param name="request">The artifact, where it goes, and what the upload will carry.</param>
    /// <param name="cancellationToken">Ends the wait: the deadline of the push has passed, or its caller cancelled.</param>
    /// <exception cref="PresignedUrlException">
    /// There is no URL; a transient one is asked again under the sink's retry options. Any other exception ends the push
    /// with <see cref="ExportFailureKind.UrlUnusable"/>; the failure names its type and not its message, which may hold a
    /// secret.
    /// </exception>
    ValueTask<PresignedUrlResponse> GetUrlAsync(
        PresignedUrlRequest request,
        CancellationToken cancellationToken
    );
}
