namespace CellOS.Export.S3;

/// <summary>A run that is sealed: what was exported from one cell to one target.</summary>
public sealed record ExportSealRun
{
    /// <summary>
    /// The id of the run, 1 to 128 visible ASCII characters without blanks. Give the seals of all targets of one run the same
    /// one. Default: a new UUID.
    /// </summary>
    public string RunId { get; init; } = Guid.CreateVersion7().ToString();

    /// <summary>The cell whose evidence was exported.</summary>
    public required string CellId { get; init; }

    /// <summary>The target's name in the cell spec.</summary>
    public required string TargetName { get; init; }

    /// <summary>The time when the run began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The time when its last result was known.</summary>
    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary>True if the run ended before each of its artifacts had a result. Default: false.</summary>
    public bool IsInterrupted { get; init; }

    /// <summary>
    /// The number of artifacts that the run was asked to export. Default: null, for that of <see cref="Results"/> and
    /// <see cref="Skipped"/>.
    /// </summary>
    public long? Planned { get; init; }

    /// <summary>The number of artifacts that were left out because earlier runs exported them. Default: 0.</summary>
    public long Skipped { get; init; }

    /// <summary>The results, in the order in which they are sealed. Those with receipts are the subjects.</summary>
    public required IReadOnlyList<ExportResult> Results { get; init; }

    /// <summary>
    /// The program that exported, and its version, for the seal. Default: null, for the version of this library.
    /// </summary>
    public string? ToolVersion { get; init; }
}
