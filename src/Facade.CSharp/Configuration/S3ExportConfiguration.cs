using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Configuration;

namespace CellOS.Export.S3;

/// <summary>
/// What a spec and an environment result in: every setting of every target and where it came from, what was noticed, and
/// what is wrong. Nothing is sent; the manifests and the CA bundle that the environment names are read. It holds no
/// secret that can be seen.
/// </summary>
public sealed class S3ExportConfiguration
{
    private readonly CaBundle _trust;

    private S3ExportConfiguration(
        S3ExportSpec spec,
        CellId? cell,
        Resolution resolution,
        Dictionary<TargetName, ManifestFile> manifests,
        IPresignedUrlProvider? provider,
        CaBundle trust,
        DateTimeOffset now
    )
    {
        Spec = spec;
        Cell = cell;
        Core = resolution;
        Manifests = manifests;
        Provider = provider;
        _trust = trust;
        ResolvedAt = now;
        Targets =
        [
            .. resolution.Targets.Select(report => ResolutionMapping.ToReport(report, now)),
            .. resolution.Plain.Select(ResolutionMapping.ToReport),
        ];
        Globals = [.. resolution.Globals.Select(ResolutionMapping.ToSetting)];
        Findings = [.. resolution.Findings.Select(ResolutionMapping.ToFinding)];
        Refusals = [.. Settings.Refusals(resolution).Select(problem => new S3ExportProblem(problem, null))];
    }

    /// <summary>The spec that was resolved.</summary>
    public S3ExportSpec Spec { get; }

    /// <summary>When that was: expiry is counted from here.</summary>
    public DateTimeOffset ResolvedAt { get; }

    /// <summary>
    /// The S3 targets, in the order of the spec. Of an <see cref="ExportSpec"/>, the targets of kinds <c>local</c> and
    /// <c>http</c> after them, and the default sink, if the environment names one.
    /// </summary>
    public IReadOnlyList<S3ExportTargetReport> Targets { get; }

    /// <summary>The settings that all targets share.</summary>
    public IReadOnlyList<S3ExportSetting> Globals { get; }

    /// <summary>Whether warnings are refused (<c>CELLOS_STRICT_CONFIG=1</c>).</summary>
    public bool IsStrict => Core.Strict;

    /// <summary>Warnings and advice, in the order of the targets.</summary>
    public IReadOnlyList<S3ExportFinding> Findings { get; }

    /// <summary>
    /// Why it cannot be used: all problems of all targets, and with strictness all warnings. Empty if it can.
    /// </summary>
    public IReadOnlyList<S3ExportProblem> Refusals { get; }

    /// <summary>Whether sinks can be made of it: there are no <see cref="Refusals"/>.</summary>
    public bool IsUsable => Refusals.Count == 0;

    /// <summary>
    /// True if every artifact can be exported as configured: it is usable, and no finding is an error.
    /// </summary>
    public bool AllCanBeExported => Settings.AllCanBeExported(Core);

    internal Resolution Core { get; }

    /// <summary>The cell that it was resolved for; null if that was not known.</summary>
    internal CellId? Cell { get; }

    private Dictionary<TargetName, ManifestFile> Manifests { get; }

    /// <summary>The program's own source of URLs, if it has one.</summary>
    internal IPresignedUrlProvider? Provider { get; }

    /// <summary>Resolves every S3 target of a spec. What is wrong is in <see cref="Refusals"/>, not thrown.</summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="cellId">
    /// The cell, if it is known already: more can be held against a URL then. Default: the spec's <see cref="S3ExportSpec.Id"/>.
    /// Another one than that is refused.
    /// </param>
    /// <param name="environment">Names and values of variables; those of this process if null.</param>
    /// <param name="timeProvider">The clock that expiry is seen from; the system's if null.</param>
    /// <param name="presignedUrlProvider">
    /// A presigning broker, for every target that the environment gives no URL and no manifest: see
    /// <see cref="PresignedS3ExportSinkOptions.PresignedUrlProvider"/>. It gets the name of the target. What the
    /// environment says of a target counts more, the legacy variable among it: it is the operator's word on this one.
    /// None if null.
    /// </param>
    /// <exception cref="ArgumentException">The cell id is not valid.</exception>
    public static S3ExportConfiguration Resolve(
        S3ExportSpec spec,
        string? cellId = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeProvider? timeProvider = null,
        Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>? presignedUrlProvider = null
    ) =>
        Resolve(
            spec,
            cellId,
            environment,
            timeProvider,
            presignedUrlProvider is null ? null : new DelegateUrlProvider(presignedUrlProvider)
        );

    internal static S3ExportConfiguration Resolve(
        S3ExportSpec spec,
        string? cellId,
        IReadOnlyDictionary<string, string?>? environment,
        TimeProvider? timeProvider,
        IPresignedUrlProvider? provider
    )
    {
        ArgumentNullException.ThrowIfNull(spec);
        var cell = cellId is null
            ? spec.Core.Id?.Value
            : CoreMapping.Accept(CellIdModule.Create(cellId), nameof(cellId));
        var now = (timeProvider ?? TimeProvider.System).GetUtcNow();
        var context = new EnvironmentSnapshot(environment).ToContext(cell, provider is not null, now);
        var resolution = Settings.Resolve(context, spec.Core);

        var manifests = new Dictionary<TargetName, ManifestFile>();
        // One of several targets is read once.
        var files = new Dictionary<string, ManifestFile>(StringComparer.Ordinal);
        foreach (var report in resolution.Targets)
            if (report.Settings?.Value.Url is UrlChoice.Manifest choice)
            {
                if (!files.TryGetValue(choice.Path, out var manifest))
                    files[choice.Path] = manifest = new ManifestFile(choice.Path);
                manifests[report.Name] = manifest;
                resolution = Settings.WithManifest(
                    context,
                    spec.Core,
                    report.Name,
                    manifest.Read(),
                    resolution
                );
            }

        foreach (var report in resolution.Targets)
            if (report.Settings?.Value.Url is UrlChoice.Broker { TokenFile.Value: { } tokenFile })
            {
                var variable = Settings.TokenVariable(context, spec.Core, report.Name);
                if (BrokerTokenFile.Read(tokenFile, out var tokenProblem) is null)
                    resolution = Settings.WithProblem(report.Name, variable, tokenProblem, resolution);
                else if (SmallFile.IsReadableByOthers(tokenFile))
                    resolution = Settings.WithReadableToken(report.Name, variable, resolution);
            }

        var trust = CaBundle.Load(resolution.CaBundle?.Value, out var problem);
        if (problem is not null)
            resolution = Settings.WithProblem(null, Variable.CaBundle, problem, resolution);
        return new S3ExportConfiguration(spec, cell, resolution, manifests, provider, trust, now);
    }

    /// <summary>
    /// The variables (<c>CELLOS_…</c>) in a host's configuration: of its environment, and of whatever else it is made
    /// of, such as <c>appsettings.json</c>, user secrets, or a vault. <c>CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET</c>
    /// may stand there under this name, or in parts: <c>"CELLOS_EXPORT_S3_MAX_ATTEMPTS": { "artifact-bucket": 5 }</c>;
    /// case does not count. Of several spellings that of the environment counts. Proxies are those that this process's
    /// environment names (<c>HTTPS_PROXY</c> and the like), whatever the configuration says of them.
    /// </summary>
    /// <param name="configuration">The host's whole configuration. Of a section, the variables are those of this process.</param>
    /// <returns>Names and values as they are now, for the parameters <c>environment</c> of this library.</returns>
    public static IReadOnlyDictionary<string, string?> ReadVariables(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return EnvironmentSnapshot.Of(configuration);
    }

    /// <summary>The absolute paths of the folders that keep artifacts of its targets, each once.</summary>
    internal IReadOnlyList<string> SpoolFolders =>
        [
            .. Core
                .Targets.Select(report => report.Settings?.Value.Spool)
                .Concat(
                    Core.Plain.Select(report =>
                        report.Settings?.Value is PlainSettings.Http { Item.Spool: var spool } ? spool : null
                    )
                )
                .Select(spool => spool is null ? null : LocalExportSink.AbsolutePath(spool.Value.Folder))
                .OfType<string>()
                .DistinctBy(SpoolFolderIdentity, StringComparer.Ordinal),
        ];

    /// <summary>The same for each path of a folder. A link at the end of a path is not the folder: it is refused later.</summary>
    private static string SpoolFolderIdentity(string path)
    {
        // A link with a separator behind it would be followed.
        var folder = path;
        while (folder.Length > 1 && (folder.EndsWith('/') || folder.EndsWith("/.", StringComparison.Ordinal)))
            folder = folder[..^1];
        return FileIdentity.OfFile(folder) ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
    }

    /// <exception cref="S3ExportConfigurationException">There are <see cref="Refusals"/>.</exception>
    internal void ThrowIfRefused()
    {
        if (!IsUsable)
            throw new S3ExportConfigurationException(Refusals);
    }

    /// <summary>The handler that its sinks send with.</summary>
    internal SocketsHttpHandler CreateHandler() => CreateHandler(Core.ConnectTimeout);

    /// <summary>The handler of a sink with a connect timeout of its own.</summary>
    internal SocketsHttpHandler CreateHandler(TimeSpan connectTimeout) =>
        S3Handler.Create(connectTimeout, _trust, Core.Proxies);

    /// <summary>The manifest of a target whose URLs come from one.</summary>
    internal ManifestFile ManifestOf(TargetSettings target) => Manifests[target.Name];
}
