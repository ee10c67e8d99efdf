using System.Collections;
using System.Diagnostics.CodeAnalysis;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3;

/// <summary>
/// The sinks of one cell, of all kinds: the name of each target in its spec, and the sink for it; and the default sink.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "They are sinks, by the names of their targets.")]
public sealed class ExportSinks : IReadOnlyDictionary<string, IExportSink>, IDisposable
{
    private readonly OrderedDictionary<string, IExportSink> _sinks = [];
    private readonly List<HttpExportSink> _http = [];
    private readonly S3ExportSinks? _s3;
    private readonly IExportSink? _fallback;

    /// <summary>
    /// Sinks that exist already: for the test of a service that takes <see cref="IExportSinkFactory"/> or
    /// <see cref="ExportSinks"/> (see <see cref="Testing.FakeExportSink"/>), and for sinks of the caller's own.
    /// </summary>
    /// <param name="sinks">The sinks, by the names of their targets. They are not disposed of.</param>
    /// <param name="defaultSink">The sink of artifacts without a target; null for none, or for that of the single target.</param>
    public ExportSinks(IEnumerable<KeyValuePair<string, IExportSink>> sinks, IExportSink? defaultSink = null)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        foreach (var (name, sink) in sinks)
            _sinks[name] = sink;
        _fallback = defaultSink;
    }

    internal ExportSinks(
        S3ExportConfiguration configuration,
        CellId cellId,
        SinkClients? clients,
        TimeProvider? timeProvider,
        ILoggerFactory? loggers,
        bool spools = true
    )
    {
        _s3 = new S3ExportSinks(configuration, cellId, clients, timeProvider, loggers, spools);
        foreach (var (name, sink) in _s3)
            _sinks[name] = sink;
        foreach (var report in configuration.Core.Plain)
        {
            var sink = Create(
                report,
                configuration,
                cellId,
                clients?.Endpoints,
                timeProvider,
                loggers,
                spools
            );
            if (report.Name is { Value: var name })
                _sinks[TargetNameModule.Value(name)] = sink;
            else
                _fallback = sink;
        }
    }

    /// <summary>What the sinks were made of: every setting, and what was noticed.</summary>
    /// <exception cref="InvalidOperationException">The sinks were given to the constructor.</exception>
    public S3ExportConfiguration Configuration => S3.Configuration;

    /// <summary>
    /// The sink of artifacts without a target: that which the environment names, or that of the single target; null if there
    /// is neither.
    /// </summary>
    public IExportSink? Default => _fallback ?? (_sinks.Count == 1 ? _sinks.GetAt(0).Value : null);

    /// <inheritdoc />
    public int Count => _sinks.Count;

    /// <inheritdoc />
    public IEnumerable<string> Keys => _sinks.Keys;

    /// <inheritdoc />
    public IEnumerable<IExportSink> Values => _sinks.Values;

    /// <inheritdoc />
    /// <exception cref="KeyNotFoundException">There is no target of this name; the message lists those that there are.</exception>
    public IExportSink this[string key] =>
        TryGetValue(key, out var sink)
            ? sink
            : throw new KeyNotFoundException(NameList.Missing("target", Keys, key));

    /// <summary>The S3 sinks among them.</summary>
    internal S3ExportSinks S3 =>
        _s3 ?? throw new InvalidOperationException("These sinks were made without a configuration.");

    /// <summary>The number of places that artifacts may go to: targets, and the default sink.</summary>
    internal int Places => _sinks.Count + (_fallback is null ? 0 : 1);

    /// <summary>The sink of a target; of an empty name, the sink that the environment names.</summary>
    internal IBatchSink Of(string target) => (IBatchSink)(target.Length == 0 ? _fallback! : _sinks[target]);

    /// <summary>Makes the sinks of a cell.</summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes. If null, the spec's
    /// <see cref="ExportSpec.Id"/>; another one than that is refused.
    /// </param>
    /// <param name="environment">Names and values of variables; those of this process if null.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="loggers">Told of warnings, attempts, receipts and failures; never of a secret. None if null.</param>
    /// <param name="urlProvider">
    /// The source of URLs of S3 targets that the environment gives none. The sinks do not dispose of it. None if null.
    /// </param>
    /// <exception cref="S3ExportConfigurationException">Spec or environment cannot be used; the exception lists all that is wrong.</exception>
    /// <exception cref="ArgumentException">The cell id is not valid, or neither it nor the spec's is given.</exception>
    public static ExportSinks Create(
        ExportSpec spec,
        string? cellId = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggers = null,
        IPresignedUrlProvider? urlProvider = null
    )
    {
        ArgumentNullException.ThrowIfNull(spec);
        return Create(
            S3ExportConfiguration.Resolve(
                spec.Route(environment),
                cellId,
                environment,
                timeProvider,
                urlProvider
            ),
            timeProvider,
            loggers
        );
    }

    internal static ExportSinks Create(
        S3ExportConfiguration configuration,
        TimeProvider? timeProvider,
        ILoggerFactory? loggers,
        bool spools = true
    )
    {
        var cell = configuration.Cell ?? throw CoreMapping.UnknownCell("cellId");
        Log.Findings(loggers, configuration.Findings);
        return new ExportSinks(configuration, cell, null, timeProvider, loggers, spools);
    }

    /// <inheritdoc />
    public bool ContainsKey(string key) => _sinks.ContainsKey(key);

    /// <inheritdoc />
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out IExportSink value) =>
        _sinks.TryGetValue(key, out value);

    /// <inheritdoc />
    public IEnumerator<KeyValuePair<string, IExportSink>> GetEnumerator() => _sinks.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Ends all sinks and their connections, as <see cref="PresignedS3ExportSink.Dispose"/> says.</summary>
    public void Dispose()
    {
        _s3?.Dispose();
        foreach (var sink in _http)
            sink.Dispose();
    }

    private IBatchSink Create(
        PlainReport report,
        S3ExportConfiguration configuration,
        CellId cellId,
        Func<TimeSpan, HttpMessageInvoker>? endpoints,
        TimeProvider? timeProvider,
        ILoggerFactory? loggers,
        bool spools
    )
    {
        // What cannot be used is refused before.
        if (report.Settings!.Value is PlainSettings.Http { Item: var settings })
        {
            var timeout = settings.Limits.ConnectTimeout;
            var http =
                endpoints?.Invoke(timeout) ?? new HttpMessageInvoker(configuration.CreateHandler(timeout));
            var sink = new HttpExportSink(
                new SinkParts(
                    HttpSettingsModule.ForCell(cellId, report.Name, settings),
                    null,
                    http,
                    OwnsHttp: endpoints is null,
                    Spool: spools ? settings.Spool?.Value : null
                ),
                timeProvider,
                loggers?.CreateLogger<HttpExportSink>()
            );
            _http.Add(sink);
            return sink;
        }

        var local = ((PlainSettings.Local)report.Settings.Value).Item;
        return new LocalExportSink(
            new LocalExportSinkOptions
            {
                Root = local.Root,
                CellId = CellIdModule.Value(cellId),
                TargetName = report.Name is { Value: var name } ? TargetNameModule.Value(name) : null,
                Overwrite = local.Overwrite,
            },
            timeProvider,
            loggers?.CreateLogger<LocalExportSink>()
        );
    }
}
