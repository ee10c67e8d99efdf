using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What <c>check</c> was asked to do.</summary>
internal sealed record CheckArguments
{
    /// <summary>The path of the cell spec.</summary>
    public required string Spec { get; init; }

    /// <summary>The cell that a URL is checked for; null for that of the spec, or for none in particular.</summary>
    public string? CellId { get; init; }

    /// <summary>The one target that matters; null for all.</summary>
    public string? Target { get; init; }

    /// <summary>The folder of the spec's artifacts; null for the current one.</summary>
    public string? Root { get; init; }

    /// <summary>The shard whose artifacts are checked; null for all artifacts.</summary>
    public Shard? Shard { get; init; }

    /// <summary>Whether to write JSON in place of a table.</summary>
    public bool Json { get; init; }

    /// <summary>True if each source of URLs is asked for one.</summary>
    public bool Probe { get; init; }

    /// <summary>Files and folders that a push would export; may be empty.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];
}
