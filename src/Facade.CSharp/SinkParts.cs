using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3;

/// <summary>What a sink is made of, all of it checked.</summary>
/// <param name="Target">What goes where.</param>
/// <param name="Urls">Where URLs come from, if the target has none.</param>
/// <param name="Http">What sends.</param>
/// <param name="OwnsHttp">Whether that ends with the sink.</param>
internal sealed record SinkParts(Target Target, IUrlSource? Urls, HttpMessageInvoker Http, bool OwnsHttp)
{
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static SinkParts From(PresignedS3ExportSinkOptions options, HttpMessageInvoker? http)
    {
        ArgumentNullException.ThrowIfNull(options);
        var clientProblem = http is HttpClient client
            ? ForeignClient.Problem(client, options.RequestTimeout)
            : null;
        var handler = http is null ? new HandlerDraft(options) : null;
        var manifest = string.IsNullOrWhiteSpace(options.PresignedUrlsFile)
            ? null
            : new ManifestFile(options.PresignedUrlsFile);
        var target = SinkTarget.From(
            options,
            [clientProblem, .. handler?.Problems ?? [], manifest?.Problem()]
        );
        IUrlSource? urls = options.PresignedUrlProvider is { } provider
            ? new UrlProvider(provider)
            : manifest;
        return new SinkParts(target, urls, http ?? new HttpMessageInvoker(handler!.Create()), http is null);
    }
}
