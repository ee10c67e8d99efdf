namespace CellOS.Export.S3;

/// <summary>How the wait between two attempts grows.</summary>
public enum S3ExportRetryMode
{
    /// <summary>The same wait each time.</summary>
    Fixed,

    /// <summary>Doubling from the backoff up to the longest one, with full jitter: a wait between nothing and that.</summary>
    Exponential,
}
