using CellOS.Export.S3.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>
/// The exports of a cell: targets, and the artifacts for them. It is checked when it is made; targets of other kinds
/// than <c>s3</c> are listed and left alone.
/// </summary>
public sealed class S3ExportSpec
{
    /// <summary>No spec is nearly as large.</summary>
    private const int MaxBytes = 4 << 20;

    private readonly string? _file;

    private S3ExportSpec(CellSpec core, string? file = null) => (Core, _file) = (core, file);

    /// <summary>The cell that the spec is for (<c>spec.id</c>); null if it does not say.</summary>
    public string? Id => Core.Id is { Value: var id } ? CellIdModule.Value(id) : null;

    /// <summary>The targets of kind <c>s3</c>, in the order of the spec.</summary>
    public IReadOnlyList<S3ExportTarget> Targets => [.. Core.Targets.Select(SpecMapping.ToTarget)];

    /// <summary>The targets of other kinds: name and kind.</summary>
    public IReadOnlyList<S3ExportTarget> OtherTargets => [.. Core.Others.Select(SpecMapping.ToTarget)];

    /// <summary>The artifacts for the S3 targets, in the order of the spec; each names its target.</summary>
    public IReadOnlyList<S3ExportSpecArtifact> Artifacts =>
        [.. Core.Artifacts.Select(SpecMapping.ToArtifact)];

    /// <summary>The names of the artifacts for targets of other kinds, which this library does not export.</summary>
    public IReadOnlyList<string> OtherArtifacts => [.. Core.OtherArtifacts];

    internal CellSpec Core { get; }

    /// <summary>The names of all targets that are served.</summary>
    internal IEnumerable<string> AllTargetNames =>
        Core
            .Targets.Select(target => target.Name)
            .Concat(Core.PlainTargets.Select(target => target.Name))
            .Select(TargetNameModule.Value);

    /// <summary>The number of places that artifacts may go to.</summary>
    internal int Places => AllTargetNames.Count() + (Core.Fallback is null ? 0 : 1);

    /// <summary>The artifacts for all targets that are served; those for the default sink have an empty target.</summary>
    internal IReadOnlyList<S3ExportSpecArtifact> AllArtifacts =>
        [.. Core.AllArtifacts.Select(SpecMapping.ToArtifact)];

    /// <summary>A spec that is written in code.</summary>
    /// <param name="targets">At least one; names are unique, and so are their environment variables.</param>
    /// <param name="artifacts">Those to be exported; null for none.</param>
    /// <param name="id">The cell that the spec is for; null for any cell.</param>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it.</exception>
    public static S3ExportSpec Create(
        IEnumerable<S3ExportTarget> targets,
        IEnumerable<S3ExportSpecArtifact>? artifacts = null,
        string? id = null
    )
    {
        ArgumentNullException.ThrowIfNull(targets);
        return Accept(
            CellSpecModule.CreateFor(
                id,
                ListModule.OfSeq(targets.Select(SpecMapping.ToCore)),
                ListModule.OfSeq((artifacts ?? []).Select(SpecMapping.ToCore))
            ),
            null
        );
    }

    /// <summary>
    /// A spec in YAML or JSON: <c>export</c> at the root, or below <c>spec</c>, whose <c>id</c> is the cell id. Unknown keys
    /// are ignored.
    /// </summary>
    /// <param name="yaml">The text.</param>
    /// <param name="file">The name of the file that it came from, for messages; null if there is none.</param>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it, with lines.</exception>
    public static S3ExportSpec Parse(string yaml, string? file = null)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        return Accept(SpecReader.Read(ReadYaml(yaml, file)), file);
    }

    /// <exception cref="S3ExportConfigurationException">It is not YAML.</exception>
    internal static SpecNode ReadYaml(string yaml, string? file) =>
        YamlReader.Read(yaml, out var line, out var problem) ?? throw Refusal(problem, line, file);

    /// <summary>Reads a spec from a file in YAML, UTF-8.</summary>
    /// <param name="path">The file, at most 4 MiB.</param>
    /// <exception cref="S3ExportConfigurationException">It cannot be read, or something in it is wrong; the exception lists all of it, with lines.</exception>
    public static S3ExportSpec Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(ReadFile(path), path);
    }

    /// <exception cref="S3ExportConfigurationException">It cannot be read.</exception>
    internal static string ReadFile(string path) =>
        SmallFile.TryRead(path, MaxBytes, out var problem) ?? throw Refusal(problem, null, path);

    /// <summary>
    /// A spec in a host's configuration, for example in <c>appsettings.json</c>: the same names as in YAML, whose case
    /// does not count, and settings beside them: those of a target (<c>Export:Targets:0:MaxAttempts</c>), and those that targets
    /// share (<c>Export:RequestTimeout</c>). Times have the form <c>00:02:00</c>. A variable that is set counts more than a
    /// setting. Keys that nothing reads are reported as a finding (<c>unknown-key</c>).
    /// </summary>
    /// <param name="configuration">
    /// The host's whole configuration, or the section <c>export</c> of it, with <c>targets</c>, and <c>artifacts</c> if there are any.
    /// </param>
    /// <exception cref="S3ExportConfigurationException">Something is wrong; the exception lists all of it, after the section's path.</exception>
    public static S3ExportSpec FromConfiguration(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Accept(HostConfiguration.Spec(Entries(configuration)), PathIn(configuration));
    }

    /// <summary>The entries of a configuration, whose paths begin there.</summary>
    internal static IEnumerable<KeyValuePair<string, string?>> Entries(IConfiguration configuration) =>
        configuration.AsEnumerable(makePathsRelative: true);

    /// <summary>The path of the section <c>export</c> in a configuration, or of the section that it is.</summary>
    internal static string PathIn(IConfiguration configuration)
    {
        var export = configuration.GetSection("export");
        return configuration is IConfigurationSection section && !export.Exists()
            ? section.Path
            : export.Path;
    }

    /// <summary>The spec with one S3 target and the artifacts for it.</summary>
    /// <param name="target">The target's name.</param>
    /// <exception cref="S3ExportConfigurationException">There is no S3 target of this name; the message lists those that there are.</exception>
    public S3ExportSpec Only(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var found = CellSpecModule.Only(target, Core);
        return found.IsOk
            ? new S3ExportSpec(found.ResultValue, _file)
            : throw new S3ExportConfigurationException([new S3ExportProblem(found.ErrorValue, _file)]);
    }

    /// <summary>
    /// The spec with one S3 target, and these artifacts for it in place of its own: for a bundle that was gathered
    /// elsewhere, so that URLs and manifest are held against it.
    /// </summary>
    /// <param name="target">The target's name.</param>
    /// <param name="names">The names of the artifacts.</param>
    /// <exception cref="S3ExportConfigurationException">There is no S3 target of this name, or a name is not valid.</exception>
    public S3ExportSpec WithArtifacts(string target, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(names);
        return Accept(CellSpecModule.WithArtifacts(target, ListModule.OfSeq(names), Core), _file);
    }

    /// <summary>
    /// The spec with all paths of its artifacts relative to the folder that they lie below. An absolute path has to begin with
    /// the path of the folder, as it was given or without symbolic links.
    /// </summary>
    /// <param name="root">The folder.</param>
    /// <exception cref="S3ExportConfigurationException">A path is not below the folder; the exception lists all of them.</exception>
    public S3ExportSpec Below(ExportRoot root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return Accept(CellSpecModule.Below(root.AbsolutePaths(), Core), _file);
    }

    /// <summary>The spec with the artifacts of these notes in place of its own.</summary>
    internal S3ExportSpec WithSpooled(IEnumerable<SpoolNote> notes) =>
        new(
            CellSpecModule.WithRouted(
                ListModule.OfSeq(
                    notes.Select(note => new RoutedArtifact(
                        note.ArtifactName,
                        ArtifactNameModule.Value(note.ArtifactName),
                        note.TargetName,
                        note.TargetKind,
                        null
                    ))
                ),
                Core
            ),
            _file
        );

    /// <summary>The spec with the artifacts of one shard.</summary>
    internal S3ExportSpec OfShard(Shard shard) => new(CellSpecModule.OfShard(shard, Core), _file);

    internal static S3ExportSpec Accept(
        FSharpResult<CellSpec, FSharpList<ConfigProblem>> result,
        string? file
    ) =>
        result.IsOk
            ? new S3ExportSpec(result.ResultValue, file)
            : throw new S3ExportConfigurationException([
                .. result.ErrorValue.Select(problem => new S3ExportProblem(problem, file)),
            ]);

    private static S3ExportConfigurationException Refusal(string text, int? line, string? file) =>
        new([
            new S3ExportProblem
            {
                Text = text,
                Line = line,
                File = file is null ? null : FilePath.Show(file),
            },
        ]);
}
