namespace CellOS.Export;

/// <summary>The kinds of places that evidence is exported to.</summary>
public enum ExportTargetKind
{
    /// <summary>A folder on this machine.</summary>
    Local,

    /// <summary>An HTTP endpoint that takes PUT.</summary>
    Http,

    /// <summary>An S3 bucket.</summary>
    S3,
}
