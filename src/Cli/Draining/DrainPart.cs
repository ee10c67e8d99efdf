using System.Runtime.Versioning;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using CellOS.Export.S3.Spooling;

namespace CellOS.Export.S3.Cli.Draining;

/// <summary>What one spool keeps of one cell.</summary>
/// <param name="Drain">The spool.</param>
/// <param name="CellId">The cell.</param>
/// <param name="Items">The entries.</param>
/// <param name="Configuration">What spec and environment result in for this cell and these artifacts.</param>
[SupportedOSPlatform("linux")]
internal sealed record DrainPart(
    SpoolDrain Drain,
    string CellId,
    IReadOnlyList<SpoolItem> Items,
    S3ExportConfiguration Configuration
)
{
    private readonly Dictionary<(string Target, string Name), SpoolItem> _items = Items.ToDictionary(item =>
        (TargetOf(item.Note!), ArtifactNameModule.Value(item.Note!.ArtifactName))
    );

    /// <summary>The name of the target of an artifact; empty for the default sink.</summary>
    internal static string TargetOf(SpoolNote note) =>
        note.TargetName is { Value: var name } ? TargetNameModule.Value(name) : "";

    /// <summary>The copies, as a push takes them.</summary>
    internal IReadOnlyList<PlannedArtifact> Artifacts { get; } =
    [.. Items.Select(item => Planned(Drain.Artifact(item), item.Note!))];

    /// <summary>The entry of an artifact.</summary>
    internal SpoolItem ItemOf(string target, string name) => _items[(target, name)];

    private static PlannedArtifact Planned(ExportArtifact artifact, SpoolNote note) =>
        new(TargetOf(note), artifact.Name, new SourcePath(artifact.Path, artifact.Root), note.Bytes)
        {
            Metadata = artifact.Metadata,
        };
}
