using CellOS.Export.S3.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>
/// The exports of a cell to targets of all kinds: <c>s3</c>, <c>local</c> and <c>http</c>. Artifacts without a target go to the
/// default sink, if the environment names one (<c>CELLOS_EXPORT_HTTP_BASE_URL</c>, else <c>CELLOS_EXPORT_DIR</c>), or to the
/// single target.
/// </summary>
public sealed class ExportSpec
{
    private readonly Func<FSharpOption<TargetKind>?, FSharpResult<CellSpec, FSharpList<ConfigProblem>>> _read;
    private readonly string? _file;

    private ExportSpec(
        Func<FSharpOption<TargetKind>?, FSharpResult<CellSpec, FSharpList<ConfigProblem>>> read,
        string? file
    )
    {
        _read = read;
        _file = file;
        // As with a default sink that takes every name: what depends on the environment is judged with it.
        var spec = Route(TargetKind.Http);
        Id = spec.Id;
        TargetNames = [.. spec.AllTargetNames];
    }

    /// <summary>The cell that the spec is for (<c>spec.id</c>); null if it does not say.</summary>
    public string? Id { get; }

    /// <summary>The names of the targets of kinds <c>s3</c>, <c>local</c> and <c>http</c>.</summary>
    public IReadOnlyList<string> TargetNames { get; }

    /// <summary>A spec in YAML or JSON, as <see cref="S3ExportSpec.Parse"/>.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="file">The name of the file that it came from, for messages; null if there is none.</param>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it, with lines.</exception>
    public static ExportSpec Parse(string yaml, string? file = null)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        var root = S3ExportSpec.ReadYaml(yaml, file);
        return new ExportSpec(fallback => SpecReader.ReadFor(fallback, root), file);
    }

    /// <summary>Reads a spec from a file in YAML, UTF-8.</summary>
    /// <param name="path">The file, at most 4 MiB.</param>
    /// <exception cref="S3ExportConfigurationException">It cannot be read, or something in it is wrong; the exception lists all of it, with lines.</exception>
    public static ExportSpec Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(S3ExportSpec.ReadFile(path), path);
    }

    /// <summary>A spec in a host's configuration, as <see cref="S3ExportSpec.FromConfiguration"/>.</summary>
    /// <param name="configuration">The host's whole configuration, or the section <c>export</c> of it.</param>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it, after the section's path.</exception>
    public static ExportSpec FromConfiguration(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var entries = S3ExportSpec.Entries(configuration).ToList();
        return new ExportSpec(
            fallback => HostConfiguration.SpecFor(fallback, entries),
            S3ExportSpec.PathIn(configuration)
        );
    }

    /// <summary>The spec in an environment, which may name a default sink.</summary>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it.</exception>
    internal S3ExportSpec Route(IReadOnlyDictionary<string, string?>? environment) =>
        Route(new EnvironmentSnapshot(environment).Fallback);

    private S3ExportSpec Route(TargetKind? fallback) =>
        S3ExportSpec.Accept(_read(CoreMapping.ToOption(fallback)), _file);
}
