using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// The sources of URLs of the sinks of one cell. Targets with the same source share it, so that none overwrites what
/// another sent, and a command is started once.
/// </summary>
internal sealed class UrlSources(
    S3ExportConfiguration configuration,
    TimeProvider? time,
    ILoggerFactory? loggers
) : IDisposable
{
    private readonly Dictionary<UrlChoice, UrlProvider> _providers = [];
    private readonly List<IDisposable> _owned = [];

    /// <summary>Where the URLs of a target come from; null if it has a URL of its own.</summary>
    internal IUrlSource? Of(TargetSettings target)
    {
        if (target.Url is UrlChoice.Manifest)
            return configuration.ManifestOf(target);
        if (target.Url is UrlChoice.Template)
            return null;
        if (!_providers.TryGetValue(target.Url, out var source))
            _providers[target.Url] = source = new UrlProvider(Provider(target));
        return source;
    }

    /// <summary>The provider that a target asks; null if it asks none.</summary>
    private IPresignedUrlProvider Provider(TargetSettings target)
    {
        switch (target.Url)
        {
            case UrlChoice.Broker broker:
                var http = new HttpPresignedUrlProvider(
                    broker.Endpoint,
                    broker.TokenFile?.Value,
                    target.Limits.RequestTimeout,
                    configuration.CreateHandler(),
                    time
                );
                _owned.Add(http);
                return http;
            case UrlChoice.Command command:
                var program = new CommandPresignedUrlProvider(
                    command.Item,
                    target.Limits.RequestTimeout,
                    time,
                    loggers?.CreateLogger<CommandPresignedUrlProvider>()
                );
                _owned.Add(program);
                return program;
            default:
                return configuration.Provider
                    ?? throw new InvalidOperationException("The target has no source of URLs.");
        }
    }

    /// <summary>Ends connections to brokers, and commands.</summary>
    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
    }
}
