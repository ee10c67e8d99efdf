namespace CellOS.Export.S3;

/// <summary>How much a finding about a configuration matters.</summary>
public enum S3ExportSeverity
{
    /// <summary>Worth knowing; never refused.</summary>
    Advice,

    /// <summary>It works, and was perhaps meant otherwise; <c>CELLOS_STRICT_CONFIG=1</c> refuses it.</summary>
    Warning,

    /// <summary>An artifact cannot be exported; <c>CELLOS_STRICT_CONFIG=1</c> refuses all of them.</summary>
    Error,
}
