using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Urls;

/// <summary>
/// The sources of URLs of the sinks of one cell. All of them share the objects that were sent, so that none overwrites what
/// another sent. Targets with the same source share it, so that a command is started once.
/// </summary>
internal sealed class UrlSources(
    S3ExportConfiguration configuration,
    TimeProvider? time,
    ILoggerFactory? loggers,
    Func<UrlChoice.Broker, TimeSpan, HttpPresignedUrlProvider>? brokers = null
) : IDisposable
{
    private readonly Dictionary<UrlChoice, UrlProvider> _providers = [];
    private readonly SentObjects _sent = new();
    private readonly List<IDisposable> _owned = [];

    /// <summary>Where the URLs of a target come from; null if it has a URL of its own.</summary>
    internal IUrlSource? Of(TargetSettings target)
    {
        if (target.Url is UrlChoice.Manifest)
            return new SharedSource(configuration.ManifestOf(target), _sent);
        if (target.Url is UrlChoice.Template)
            return null;
        if (!_providers.TryGetValue(target.Url, out var source))
            _providers[target.Url] = source = new UrlProvider(
                Provider(target),
                _sent,
                configuration.IsStrict,
                loggers is null ? null : new GuardedLogger(loggers.CreateLogger<UrlProvider>())
            );
        return source;
    }

    /// <summary>The provider that a target asks; null if it asks none.</summary>
    private IPresignedUrlProvider Provider(TargetSettings target)
    {
        switch (target.Url)
        {
            case UrlChoice.Broker broker when brokers is not null:
                return brokers(broker, target.Limits.RequestTimeout);
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

    /// <summary>Ends the commands, and reads all that they have written.</summary>
    /// <returns>The requests whose URLs may be those of other artifacts.</returns>
    internal IReadOnlyList<UrlRequest> FinishCommands() =>
        [.. _owned.OfType<CommandPresignedUrlProvider>().SelectMany(command => command.Finish())];

    /// <summary>Ends connections to brokers, and commands.</summary>
    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
    }
}

/// <summary>A manifest whose objects are compared with those of all sources of the cell.</summary>
internal sealed class SharedSource(IUrlSource source, SentObjects sent) : IUrlSource
{
    /// <inheritdoc />
    public async ValueTask<UrlAnswer> AskAsync(
        PushPlan plan,
        UrlRequest request,
        CancellationToken cancellationToken
    )
    {
        var answer = await source.AskAsync(plan, request, cancellationToken).ConfigureAwait(false);
        return answer.Url is { } url && sent.Admit(url, plan) is { Url: null } refused ? refused : answer;
    }

    /// <inheritdoc />
    public RequestUrl? Known(ArtifactName artifact) => source.Known(artifact);
}
