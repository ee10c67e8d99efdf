using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What <c>push</c> was asked to do.</summary>
internal sealed record PushArguments
{
    /// <summary>How many artifacts are under way at once, unless said otherwise.</summary>
    internal const int DefaultConcurrency = 4;

    /// <summary>The most that may be under way at once.</summary>
    internal const int MaxConcurrency = 256;

    /// <summary>The path of the cell spec.</summary>
    public required string Spec { get; init; }

    /// <summary>The cell whose evidence this is; null for that of the spec.</summary>
    public string? CellId { get; init; }

    /// <summary>The target that takes all PATHs; null where the spec has only one, or names one for each.</summary>
    public string? Target { get; init; }

    /// <summary>The folder that the spec's artifacts lie in; null for the current one.</summary>
    public string? Root { get; init; }

    /// <summary>The file that receipts are appended to; null for none.</summary>
    public string? Receipts { get; init; }

    /// <summary>Files whose receipts count as well, and which are not written.</summary>
    public IReadOnlyList<string> OtherReceipts { get; init; } = [];

    /// <summary>The shard whose artifacts are exported; null for all artifacts.</summary>
    public Shard? Shard { get; init; }

    /// <summary>The key that seals the run; null for that of the environment, if there is one.</summary>
    public string? Seal { get; init; }

    /// <summary>The file with the password of that key; null for that of the environment, if there is one.</summary>
    public string? SealPasswordFile { get; init; }

    /// <summary>The file that the seal of the run is appended to; null for none.</summary>
    public string? Seals { get; init; }

    /// <summary>The id of the run, for events, statements and seals; null for none, and in seals for a new one.</summary>
    public string? RunId { get; init; }

    /// <summary>The id of the event that caused the run, for events and statements; null for none.</summary>
    public string? Provenance { get; init; }

    /// <summary>The files that the command line names.</summary>
    internal CommandFiles Files => new(Receipts, OtherReceipts, Seals, Seal, SealPasswordFile);

    /// <summary>Whether to leave out what the receipts files have receipts of.</summary>
    public bool Resume { get; init; }

    /// <summary>True if receipts count of which the store confirmed no digest.</summary>
    public bool AcceptUnverified { get; init; }

    /// <summary>How many artifacts are under way at once: 1 to 256.</summary>
    public int Concurrency { get; init; } = DefaultConcurrency;

    /// <summary>
    /// What standard output gets of each artifact; null for JSON, or for lines for people if it is a terminal.
    /// </summary>
    public ResultFormat? Format { get; init; }

    /// <summary>What every artifact is sent with; null for nothing.</summary>
    public ExportArtifactMetadata? Metadata { get; init; }

    /// <summary>True if standard error gets failures and notes only.</summary>
    public bool Quiet { get; init; }

    /// <summary>Files and folders; empty for the spec's artifacts.</summary>
    public required IReadOnlyList<string> Paths { get; init; }
}
