namespace CellOS.Export.S3.Source;

/// <summary>Tells two files apart that exist at the same time. Both numbers are 0 where the platform has none.</summary>
internal readonly record struct FileId(ulong Device, ulong Inode);

/// <summary>
/// The state of a file, without its content. On Linux, times are nanoseconds since 1970, modulo 2^64: two times are compared
/// correctly if at most 292 years are between them.
/// </summary>
/// <param name="Length">The length in bytes.</param>
/// <param name="Modified">The time when the content was last written, in the units of the file system.</param>
/// <param name="Changed">
/// The time when content, names, owner or mode last changed, in nanoseconds since 1970. A user who may write to a file
/// can reset <paramref name="Modified"/>, but not this. 0 where the platform has no such time.
/// </param>
/// <param name="Id">The file.</param>
/// <param name="Born">
/// The time when the file was created, in nanoseconds since 1970; null where the platform or the file system has none.
/// </param>
internal readonly record struct FileStamp(
    long Length,
    long Modified,
    long Changed,
    FileId Id,
    long? Born = null
)
{
    /// <summary>The longest step between two time stamps of a file system (FAT), in nanoseconds.</summary>
    private const long LongestStep = 2_000_000_000;

    /// <summary>
    /// Twice the longest step of the clock that Linux takes exact time stamps from, in nanoseconds (a tick of 10 ms; before
    /// Linux 6.13 two changes within a tick have the same stamp).
    /// </summary>
    private const long Ticks = 20_000_000;

    /// <summary>
    /// True if a change from here on changes the stamp. What is written twice within one step of the file system's clock
    /// has one stamp. Times of whole milliseconds show that the steps are long (FAT: 2 s, ext4 with small inodes: 1 s); an
    /// exact time is one of them once in a million times, which costs one more look.
    /// </summary>
    /// <param name="now">The time just before the stamp was taken.</param>
    internal bool IsSettled(DateTimeOffset now)
    {
        if (Changed == 0)
            return true;

        return Since(now) > (Changed % 1_000_000 == 0 ? LongestStep : Ticks);
    }

    /// <summary>The time from <see cref="Changed"/> to another time, in nanoseconds.</summary>
    internal long Since(DateTimeOffset now) =>
        unchecked((now - DateTimeOffset.UnixEpoch).Ticks * 100 - Changed);

    /// <summary>
    /// True if another file has taken the place of the one that had this stamp. A file that was deleted may leave its
    /// inode number to the next one, which was created at another time. Some file systems (FUSE) give the same file
    /// another inode number later; a file with another number counts as the same if length and times are equal.
    /// </summary>
    internal bool IsReplacedBy(FileStamp now) =>
        Born is { } born && now.Born is { } bornNow && born != bornNow
        || Id != now.Id && (Length, Modified, Changed) != (now.Length, now.Modified, now.Changed);

    /// <summary>True if the file was replaced or written to since it had this stamp.</summary>
    internal bool IsChangedBy(FileStamp now) =>
        IsReplacedBy(now) || (Length, Modified) != (now.Length, now.Modified);
}
