namespace CellOS.Export.S3.Source;

/// <summary>
/// The state of a file when it was last looked at: its name may belong to another file by the time it is opened, or after
/// it was exported, for example after a log was rotated.
/// </summary>
/// <param name="listed">The stamp that the file had when its folder was listed; null if there was none.</param>
internal sealed class SourceWatch(FileStamp? listed)
{
    /// <summary>The stamp of the file that was opened last; until then, the one that was listed.</summary>
    internal FileStamp? Stamp { get; set; } = listed;

    /// <summary>True if the content of the file that was opened has a receipt.</summary>
    internal bool IsReceipted { get; set; }
}
