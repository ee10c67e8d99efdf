using CellOS.Export.S3.Batch;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Source;
using CellOS.Export.S3.Spooling;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>What the sinks share that send artifacts by PUT requests, to a store or to another HTTP endpoint.</summary>
internal sealed class PushChannel : IDisposable
{
    private readonly object _sink;
    private readonly Target _target;
    private readonly PushDriver _driver;
    private readonly Func<ArtifactName, Refusal?> _claim;
    private readonly HttpMessageInvoker? _owned;
    private readonly IUrlSource? _urls;
    private readonly IDisposable? _ownedProvider;
    private readonly Spooler? _spooler;

    /// <summary>The artifact that was sent first.</summary>
    private ArtifactName? _claimedBy;

    private volatile bool _disposed;

    /// <param name="sink">The sink that it belongs to, for exceptions.</param>
    /// <param name="parts">What the sink is made of.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">None if null.</param>
    /// <param name="roll">Chance; the system's if null.</param>
    internal PushChannel(
        object sink,
        SinkParts parts,
        TimeProvider? timeProvider,
        ILogger? logger,
        Func<double>? roll
    )
    {
        _sink = sink;
        _target = parts.Target;
        _claim = Claim;
        _urls = parts.Urls;
        _owned = parts.OwnsHttp ? parts.Http : null;
        _ownedProvider = parts.OwnedProvider;
        var time = timeProvider ?? TimeProvider.System;
        ILogger guarded = logger is null ? NullLogger.Instance : new GuardedLogger(logger);
        Inner = new SpoolInner(_target.Name, _target.CellId, parts.AsksCommand);
        _spooler = SpoolerFactory.Create(parts.Spool, _target.Kind, Inner, time, guarded);
        _driver = new PushDriver(
            new PutTransport(parts.Http, time),
            parts.Urls,
            time,
            roll ?? Random.Shared.NextDouble,
            guarded
        );
    }

    /// <summary>What a spool around the sink has to know of it.</summary>
    internal SpoolInner Inner { get; }

    /// <summary>The logical address that an artifact would get.</summary>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    internal string DestinationHint(string name) => DestinationModule.Value(Plan(name, null).Destination);

    /// <summary>The URL that an artifact would be sent to now; null where the URL is asked of a provider, or a manifest has none.</summary>
    internal RequestUrl? KnownUrl(string name)
    {
        var plan = Plan(name, null);
        return plan.Url is UrlSource.Given given ? given.Item : _urls?.Known(plan.Artifact);
    }

    /// <summary>
    /// Returns why the headers of an artifact do not fit the signature of its URL; null if they do, or if the URL is not
    /// known yet.
    /// </summary>
    internal string? UnfitHeaders(string name, ExportArtifactMetadata? metadata) =>
        KnownUrl(name) is { } url ? PushPlanModule.Unfit(url, Plan(name, metadata))?.Value : null;

    internal Task<ExportReceipt> PushAsync(
        ExportArtifact artifact,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(artifact.Path, nameof(artifact));
        return PushAsync(artifact.Name, artifact.Source, artifact.Metadata, progress, cancellationToken);
    }

    internal Task<ExportReceipt> PushAsync(
        string name,
        SourcePath path,
        ExportArtifactMetadata? metadata,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        ObjectDisposedException.ThrowIf(_disposed, _sink);
        var plan = Plan(name, metadata);
        // Only Linux has spools.
#pragma warning disable CA1416
        return _spooler is null
            ? _driver.PushAsync(plan, path, _claim, progress, cancellationToken)
            : _spooler.PushAsync(
                plan.Artifact,
                path,
                metadata,
                () => _driver.PushAsync(plan, path, _claim, progress, cancellationToken),
                cancellationToken
            );
#pragma warning restore CA1416
    }

    internal IAsyncEnumerable<ExportResult> PushManyAsync(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(artifacts);
        ObjectDisposedException.ThrowIf(_disposed, _sink);
        return BatchRun.Start(
            artifacts,
            options,
            batch => BatchDraftModule.Problems(_target, batch),
            PushAsync,
            cancellationToken
        );
    }

    public void Dispose()
    {
        _disposed = true;
        _owned?.Dispose();
        _ownedProvider?.Dispose();
    }

    private PushPlan Plan(string name, ExportArtifactMetadata? metadata)
    {
        ArgumentNullException.ThrowIfNull(name);
        var artifact = CoreMapping.Accept(ArtifactNameModule.Create(name), nameof(name));
        var plan = CoreMapping.Accept(PushPlanModule.Create(_target, artifact), nameof(name));
        if (metadata?.ContentType is { } contentType)
            plan = CoreMapping.Accept(PushPlanModule.WithContentType(contentType, plan), nameof(metadata));
        return metadata?.Headers is { } headers
            ? CoreMapping.Accept(PushPlanModule.WithHeaders(headers, plan), nameof(metadata))
            : plan;
    }

    /// <summary>A URL that names one object belongs to the first artifact that is sent through it.</summary>
    private Refusal? Claim(ArtifactName artifact)
    {
        if (_target.Url is not { Value: var template })
            return null;

        var first = Interlocked.CompareExchange(ref _claimedBy, artifact, null) ?? artifact;
        var admitted = UrlTemplateModule.Admit(FSharpOption<ArtifactName>.Some(first), artifact, template);
        return admitted.IsError ? admitted.ErrorValue : null;
    }
}
