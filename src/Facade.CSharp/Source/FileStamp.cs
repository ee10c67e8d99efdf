namespace CellOS.Export.S3.Source;

/// <summary>What must stay the same of a file while it is exported.</summary>
/// <param name="Length">In bytes.</param>
/// <param name="Modified">When its content was last written, as the file system counts.</param>
internal readonly record struct FileStamp(long Length, Int128 Modified);
