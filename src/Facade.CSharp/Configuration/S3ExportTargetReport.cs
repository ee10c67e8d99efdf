namespace CellOS.Export.S3;

/// <summary>What became of one S3 target of a spec.</summary>
public sealed record S3ExportTargetReport
{
    /// <summary>The target's name.</summary>
    public required string Name { get; init; }

    /// <summary>Whether nothing is wrong with it. Strictness does not count here.</summary>
    public required bool IsUsable { get; init; }

    /// <summary>Each setting as it holds.</summary>
    public required IReadOnlyList<S3ExportSetting> Settings { get; init; }

    /// <summary>When its presigned URL expires, of several the first; null if none says so.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>That in words, seen from when the configuration was resolved; null if none says so.</summary>
    public string? Expiry { get; init; }
}
