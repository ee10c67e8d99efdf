namespace CellOS.Export.S3;

/// <summary>What became of one target of a spec, or of the default sink.</summary>
public sealed record S3ExportTargetReport
{
    /// <summary>The target's name; empty for the default sink.</summary>
    public required string Name { get; init; }

    /// <summary>The kind of target. Default: <see cref="ExportTargetKind.S3"/>.</summary>
    public ExportTargetKind Kind { get; init; } = ExportTargetKind.S3;

    /// <summary>Whether nothing is wrong with it. Strictness does not count here.</summary>
    public required bool IsUsable { get; init; }

    /// <summary>Each setting as it holds.</summary>
    public required IReadOnlyList<S3ExportSetting> Settings { get; init; }

    /// <summary>When its presigned URL expires, of several the first; null if none says so.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>That in words, seen from when the configuration was resolved; null if none says so.</summary>
    public string? Expiry { get; init; }
}
