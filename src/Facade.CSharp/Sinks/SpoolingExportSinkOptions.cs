namespace CellOS.Export.S3;

/// <summary>Where a <see cref="SpoolingExportSink"/> keeps artifacts. It is checked, all at once, when the sink is built.</summary>
public sealed class SpoolingExportSinkOptions
{
    /// <summary>
    /// The folder of the spool. A relative path begins at the current folder. What is missing of it is made when the first
    /// artifact is kept, with the permissions 0700. It belongs to the user of this process, others may not write to it, and it
    /// is not a symbolic link. Sinks of several targets and cells may share it.
    /// </summary>
    public required string Folder { get; set; }

    /// <summary>
    /// The cell whose evidence the sink takes: one path segment, at most 255 UTF-8 bytes. If the inner sink is one of this library,
    /// it is the cell of that sink; a blank text means the same.
    /// </summary>
    public required string CellId { get; set; }

    /// <summary>
    /// The name of the target in the receipts of the inner sink; null for none. Default: that of an inner sink of this library,
    /// and none for another.
    /// </summary>
    public string? TargetName { get; set; }

    /// <summary>
    /// The most bytes that the copies in the folder have together: 1 or more, or null for no limit. Sinks of one
    /// process keep it together; processes that spool at the same time may exceed it by what each of them adds. Default: none.
    /// </summary>
    public long? MaxBytes { get; set; }
}
