using System.Collections;
using System.Diagnostics.CodeAnalysis;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>
/// The sinks of one cell: the name of each S3 target in its spec, and the sink for it. They share their connections.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "They are sinks, by the names of their targets.")]
public sealed class S3ExportSinks : IReadOnlyDictionary<string, PresignedS3ExportSink>, IDisposable
{
    private readonly OrderedDictionary<string, PresignedS3ExportSink> _sinks = [];
    private readonly HttpMessageInvoker? _owned;
    private readonly UrlSources _urls;

    internal S3ExportSinks(
        S3ExportConfiguration configuration,
        CellId cellId,
        SinkClients? clients,
        TimeProvider? timeProvider,
        ILoggerFactory? loggers,
        bool spools = true
    )
    {
        configuration.ThrowIfRefused();
        Configuration = configuration;
        _owned = clients is null ? new HttpMessageInvoker(configuration.CreateHandler()) : null;
        // One for all targets, so that none overwrites what another sent.
        _urls = new UrlSources(configuration, timeProvider, loggers, clients?.Brokers);
        foreach (var settings in Settings.Usable(configuration.Core))
        {
            var parts = new SinkParts(
                Settings.ForCell(cellId, settings),
                _urls.Of(settings),
                clients?.Stores() ?? _owned!,
                OwnsHttp: false,
                AsksCommand: settings.Url.IsCommand,
                Spool: spools ? settings.Spool?.Value : null
            );
            _sinks[TargetNameModule.Value(settings.Name)] = new PresignedS3ExportSink(
                parts,
                timeProvider,
                loggers?.CreateLogger<PresignedS3ExportSink>()
            );
        }
    }

    /// <summary>What the sinks were made of: every setting, and what was noticed.</summary>
    public S3ExportConfiguration Configuration { get; }

    /// <inheritdoc />
    public int Count => _sinks.Count;

    /// <inheritdoc />
    public IEnumerable<string> Keys => _sinks.Keys;

    /// <inheritdoc />
    public IEnumerable<PresignedS3ExportSink> Values => _sinks.Values;

    /// <inheritdoc />
    /// <exception cref="KeyNotFoundException">There is no S3 target of this name; the message lists those that there are.</exception>
    public PresignedS3ExportSink this[string key] =>
        TryGetValue(key, out var sink)
            ? sink
            : throw new KeyNotFoundException(NameList.Missing("S3 target", Keys, key));

    /// <summary>Makes the sinks of a cell.</summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the spec's
    /// <see cref="S3ExportSpec.Id"/>; another one than that is refused.
    /// </param>
    /// <param name="environment">Names and values of variables; those of this process if null.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="loggers">Told of warnings, attempts, receipts and failures; never of a secret. None if null.</param>
    /// <param name="presignedUrlProvider">
    /// A presigning broker, for every target that the environment gives no URL and no manifest: see
    /// <see cref="PresignedS3ExportSinkOptions.PresignedUrlProvider"/>. It gets the name of the target. What the
    /// environment says of a target counts more, the legacy variable among it: it is the operator's word on this one.
    /// None if null.
    /// </param>
    /// <exception cref="S3ExportConfigurationException">Spec or environment cannot be used; the exception lists all that is wrong.</exception>
    /// <exception cref="ArgumentException">The cell id is not valid, or neither it nor the spec's is given.</exception>
    public static S3ExportSinks Create(
        S3ExportSpec spec,
        string? cellId = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggers = null,
        Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>? presignedUrlProvider = null
    )
    {
        var configuration = S3ExportConfiguration.Resolve(
            spec,
            cellId,
            environment,
            timeProvider,
            presignedUrlProvider
        );
        return Create(configuration, cellId, timeProvider, loggers);
    }

    /// <summary>Makes the sinks of a cell, with a source of URLs for every target that the environment gives none.</summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the spec's
    /// <see cref="S3ExportSpec.Id"/>; another one than that is refused.
    /// </param>
    /// <param name="urlProvider">The source of URLs. The sinks do not dispose of it.</param>
    /// <param name="environment">Names and values of variables; those of this process if null.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="loggers">Told of warnings, attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="S3ExportConfigurationException">Spec or environment cannot be used; the exception lists all that is wrong.</exception>
    /// <exception cref="ArgumentException">The cell id is not valid, or neither it nor the spec's is given.</exception>
    public static S3ExportSinks Create(
        S3ExportSpec spec,
        string? cellId,
        IPresignedUrlProvider urlProvider,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggers = null
    )
    {
        ArgumentNullException.ThrowIfNull(urlProvider);
        return Create(
            S3ExportConfiguration.Resolve(spec, cellId, environment, timeProvider, urlProvider),
            cellId,
            timeProvider,
            loggers
        );
    }

    /// <summary>Makes the sinks of a cell from what has been resolved before.</summary>
    /// <param name="configuration">What spec and environment came to.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the one that the configuration was
    /// resolved for.
    /// </param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="loggers">Told of warnings, attempts, receipts and failures; never of a secret. None if null.</param>
    /// <exception cref="S3ExportConfigurationException">It cannot be used (<see cref="S3ExportConfiguration.Refusals"/>).</exception>
    /// <exception cref="ArgumentException">The cell id is not valid, or the configuration was resolved for another cell.</exception>
    public static S3ExportSinks Create(
        S3ExportConfiguration configuration,
        string? cellId = null,
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggers = null
    )
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var cell = cellId is null
            ? configuration.Cell ?? throw CoreMapping.UnknownCell(nameof(cellId))
            : CoreMapping.Accept(CellIdModule.Create(cellId), nameof(cellId));
        // Its URLs were held against the keys of that cell.
        if (configuration.Cell is { } resolved && !resolved.Equals(cell))
            throw new ArgumentException(
                "The configuration was resolved for another cell. Resolve it for this one.",
                nameof(cellId)
            );
        Log.Findings(loggers, configuration.Findings);
        return new S3ExportSinks(configuration, cell, null, timeProvider, loggers);
    }

    /// <inheritdoc />
    public bool ContainsKey(string key) => _sinks.ContainsKey(key);

    /// <inheritdoc />
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out PresignedS3ExportSink value) =>
        _sinks.TryGetValue(key, out value);

    /// <inheritdoc />
    public IEnumerator<KeyValuePair<string, PresignedS3ExportSink>> GetEnumerator() => _sinks.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>True if a command gives the URLs of a target.</summary>
    internal bool AsksCommand(string target) =>
        Settings
            .Usable(Configuration.Core)
            .Any(settings => TargetNameModule.Value(settings.Name) == target && settings.Url.IsCommand);

    /// <inheritdoc cref="UrlSources.FinishCommands" />
    internal IReadOnlyList<UrlRequest> FinishCommands() => _urls.FinishCommands();

    /// <summary>Ends all sinks and their connections, as <see cref="PresignedS3ExportSink.Dispose"/> says.</summary>
    public void Dispose()
    {
        foreach (var sink in _sinks.Values)
            sink.Dispose();
        _owned?.Dispose();
        _urls.Dispose();
    }
}
