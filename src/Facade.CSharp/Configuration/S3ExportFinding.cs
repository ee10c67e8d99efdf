namespace CellOS.Export.S3;

/// <summary>
/// What was noticed in a configuration that can be used all the same: an error, with which an artifact cannot be
/// exported, or a warning (<c>StartupConfigWarning</c> in CellOS), both of which <c>CELLOS_STRICT_CONFIG=1</c> refuses; or
/// advice, which is never refused. It holds no secret.
/// </summary>
public sealed record S3ExportFinding
{
    /// <summary>The stable name of what was noticed, such as <c>legacy-url-variable</c>.</summary>
    public required string Id { get; init; }

    /// <summary>How much it matters.</summary>
    public required S3ExportSeverity Severity { get; init; }

    /// <summary>True if strictness refuses it: an error or a warning.</summary>
    public bool IsWarning => Severity >= S3ExportSeverity.Warning;

    /// <summary>The target that it is about; null for something that all share.</summary>
    public string? Target { get; init; }

    /// <summary>The environment variable, or the key of the spec, that brings it about.</summary>
    public required string Variable { get; init; }

    /// <summary>What was noticed.</summary>
    public required string What { get; init; }

    /// <summary>How to mend it.</summary>
    public required string Remedy { get; init; }

    /// <summary>All of it in one line.</summary>
    public required string Message { get; init; }

    /// <inheritdoc />
    public override string ToString() => $"{ResolutionMapping.Word(Severity)} {Id}: {Message}";
}
