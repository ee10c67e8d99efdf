using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Files;

/// <summary>The bytes of a file that lines are appended to. One at a time uses it.</summary>
internal interface ILockedFile : IDisposable
{
    /// <summary>The state of the file, which changes when a program writes to it.</summary>
    FileStamp Stamp { get; }

    int Read(Span<byte> buffer, long offset);

    /// <summary>Writes all of it, or throws; then a part of it may have been written.</summary>
    void Write(ReadOnlySpan<byte> bytes, long offset);

    void Cut(long length);

    /// <summary>Returns when everything is on disk.</summary>
    void Flush();

    /// <summary>Whether the path still leads to this file: what is written to a file without a name is lost.</summary>
    bool IsInPlace { get; }
}
