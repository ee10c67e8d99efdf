using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>An entry of a folder.</summary>
/// <param name="Name">The name.</param>
/// <param name="IsText">False if the name is not valid UTF-8; then it is for display only.</param>
/// <param name="Look">What the name leads to, a link not followed.</param>
internal readonly record struct FolderEntry(string Name, bool IsText, FileLook Look)
{
    /// <summary>
    /// A digest of the name and the file that it leads to. It takes less memory than the name, and is the same only within
    /// one process.
    /// </summary>
    internal long Digest
    {
        get
        {
            // A deleted file may leave its inode number to the next one, which was created at another time.
            var file = (Look.Stamp?.Id, Look.Stamp?.Born);
            return (long)HashCode.Combine(Name, file) << 32 | (uint)HashCode.Combine(file, Name);
        }
    }
}
