namespace CellOS.Export.S3.Source;

/// <summary>What must stay the same of a file while it is exported, or tells that it has become another.</summary>
/// <param name="Length">In bytes.</param>
/// <param name="Modified">When its content was last written, as the file system counts.</param>
/// <param name="Changed">
/// When anything about it last changed: content, names, owner or mode. Whoever may write to a file can put
/// <paramref name="Modified"/> back, but not this. In nanoseconds since 1970; 0 where the platform does not tell.
/// </param>
/// <param name="Inode">Which file it is. 0 where the platform does not tell.</param>
internal readonly record struct FileStamp(long Length, Int128 Modified, Int128 Changed, ulong Inode);
