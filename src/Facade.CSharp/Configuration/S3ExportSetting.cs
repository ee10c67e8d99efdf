namespace CellOS.Export.S3;

/// <summary>One setting as it holds, and where it came from. It holds no secret.</summary>
public sealed record S3ExportSetting
{
    /// <summary>The setting's name in camelCase, such as <c>maxAttempts</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its value, with its unit; a URL without its secrets.</summary>
    public required string Value { get; init; }

    /// <summary>Where the value came from.</summary>
    public required S3ExportOrigin Origin { get; init; }

    /// <summary>The environment variable that it came from, or that would set it; null if there is none.</summary>
    public string? Variable { get; init; }
}
