namespace CellOS.Export.S3.Source;

/// <summary>Tells two files apart that exist at the same time. Both numbers are 0 where the platform has none.</summary>
internal readonly record struct FileId(ulong Device, ulong Inode);

/// <summary>The state of a file, without its content.</summary>
/// <param name="Length">The length in bytes.</param>
/// <param name="Modified">The time when the content was last written, in the units of the file system.</param>
/// <param name="Changed">
/// The time when content, names, owner or mode last changed, in nanoseconds since 1970. A user who may write to a file
/// can reset <paramref name="Modified"/>, but not this. 0 where the platform has no such time.
/// </param>
/// <param name="Id">The file.</param>
internal readonly record struct FileStamp(long Length, Int128 Modified, Int128 Changed, FileId Id)
{
    /// <summary>
    /// True if another file has taken the place of the one that had this stamp. Some file systems (FUSE) give the same
    /// file another inode number later; a file with another number counts as the same if length and time are equal.
    /// </summary>
    internal bool IsReplacedBy(FileStamp now) =>
        Id != now.Id && (Length != now.Length || Modified != now.Modified);
}
