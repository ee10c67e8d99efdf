using CellOS.Export.S3.Spooling;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>What <c>check</c> found.</summary>
/// <param name="Configuration">What spec and environment result in; null if that cannot be told.</param>
/// <param name="Problems">Why it is refused; empty if it is not.</param>
internal sealed record CheckReport(
    S3ExportConfiguration? Configuration,
    IReadOnlyList<S3ExportProblem> Problems
)
{
    /// <summary>The artifacts of the PATHs.</summary>
    public IReadOnlyList<CheckedArtifact> Artifacts { get; init; } = [];

    /// <summary>The shard whose artifacts were checked; null for all artifacts.</summary>
    public Core.Shard? Shard { get; init; }

    /// <summary>What is left out of the PATHs; a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What was noticed: the findings of the configuration, and those of the files.</summary>
    public IReadOnlyList<S3ExportFinding> Findings { get; init; } = Configuration?.Findings ?? [];

    /// <summary>True if a push would export all of it.</summary>
    public bool IsGood =>
        this is { Problems.Count: 0, Configuration.AllCanBeExported: true }
        && Artifacts.All(artifact => artifact.Problem is null)
        && Probes.All(probe => probe.Problem is null)
        && Findings.All(finding => finding.Severity != S3ExportSeverity.Error);

    /// <summary>The spools of the targets.</summary>
    public IReadOnlyList<SpoolSurvey> Spools { get; init; } = [];

    /// <summary>What the sources of URLs gave.</summary>
    public IReadOnlyList<UrlProbe> Probes { get; init; } = [];
}
