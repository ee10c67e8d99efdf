using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>What a sink is made of, all of it checked.</summary>
/// <param name="Target">What goes where.</param>
/// <param name="Urls">Where URLs come from, if the target has none.</param>
/// <param name="Http">What sends.</param>
/// <param name="OwnsHttp">Whether that ends with the sink.</param>
/// <param name="OwnedProvider">A source of URLs that ends with the sink; null for none.</param>
/// <param name="AsksCommand">True if a command gives the URLs.</param>
/// <param name="Spool">Where artifacts are kept that failed for a temporary reason; null to keep none.</param>
internal sealed record SinkParts(
    Target Target,
    IUrlSource? Urls,
    HttpMessageInvoker Http,
    bool OwnsHttp,
    IDisposable? OwnedProvider = null,
    bool AsksCommand = false,
    SpoolSettings? Spool = null
)
{
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    /// <param name="time">The clock; the system's if null.</param>
    /// <param name="logger">Takes the standard error of a URL command; none if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static SinkParts From(
        PresignedS3ExportSinkOptions options,
        HttpMessageInvoker? http,
        TimeProvider? time = null,
        ILogger? logger = null
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        var clientProblem = http is HttpClient client
            ? ForeignClient.Problem(client, options.RequestTimeout)
            : null;
        var endpoint = Endpoint(options, out var brokerProblem);
        var command = Command(options, out var commandProblem);
        // A broker is reached as the store is, even if the store is reached by another client.
        var handler = http is null || endpoint is not null ? new HandlerDraft(options) : null;
        var manifest = string.IsNullOrWhiteSpace(options.PresignedUrlsFile)
            ? null
            : new ManifestFile(options.PresignedUrlsFile);
        var target = SinkTarget.From(
            options,
            [clientProblem, .. handler?.Problems ?? [], manifest?.Problem(), brokerProblem, commandProblem]
        );
        IPresignedUrlProvider? owned =
            endpoint is not null
                ? new HttpPresignedUrlProvider(
                    endpoint,
                    string.IsNullOrWhiteSpace(options.BrokerTokenFile) ? null : options.BrokerTokenFile,
                    options.RequestTimeout,
                    handler!.Create(),
                    time
                )
            : command is not null
                ? new CommandPresignedUrlProvider(command, options.RequestTimeout, time, logger)
            : null;
        var provider =
            owned
            ?? options.UrlProvider
            ?? (options.PresignedUrlProvider is { } callback ? new DelegateUrlProvider(callback) : null);
        return new SinkParts(
            target,
            provider is null ? manifest : new UrlProvider(provider),
            http ?? new HttpMessageInvoker(handler!.Create()),
            http is null,
            owned as IDisposable,
            AsksCommand: command is not null
        );
    }

    /// <param name="options">What the caller wrote down.</param>
    /// <param name="http">The caller's client; null for one of the sink's own.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static SinkParts From(HttpExportSinkOptions options, HttpMessageInvoker? http)
    {
        ArgumentNullException.ThrowIfNull(options);
        var clientProblem = http is HttpClient client
            ? ForeignClient.Problem(client, options.RequestTimeout)
            : null;
        var handler = http is null ? new HandlerDraft(options.ConnectTimeout, options.CaBundle) : null;
        var target = SinkTarget.From(options, [clientProblem, .. handler?.Problems ?? []]);
        return new SinkParts(target, null, http ?? new HttpMessageInvoker(handler!.Create()), http is null);
    }

    private static BrokerEndpoint? Endpoint(PresignedS3ExportSinkOptions options, out string? problem)
    {
        problem = null;
        if (string.IsNullOrWhiteSpace(options.BrokerUrl))
        {
            if (!string.IsNullOrWhiteSpace(options.BrokerTokenFile))
                problem = "Nothing reads BrokerTokenFile. Set BrokerUrl as well, or remove it.";
            return null;
        }

        var endpoint = BrokerEndpointModule.Parse(options.BrokerUrl);
        problem = endpoint.IsError ? endpoint.ErrorValue.Message : null;
        return endpoint.IsOk ? endpoint.ResultValue : null;
    }

    private static UrlCommand? Command(PresignedS3ExportSinkOptions options, out string? problem)
    {
        problem = null;
        if (options.UrlCommand is null)
            return null;

        var command = UrlCommandModule.Create(options.UrlCommand);
        problem = command.IsError ? command.ErrorValue.Message : null;
        return command.IsOk ? command.ResultValue : null;
    }
}
