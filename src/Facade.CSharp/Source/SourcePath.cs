namespace CellOS.Export.S3.Source;

/// <summary>The place of a file.</summary>
/// <param name="Path">The path; relative to the root if there is one.</param>
/// <param name="Root">The folder that the file lies below; null if any symbolic link above the file is followed.</param>
/// <param name="Watch">What is known of the file; null if it is not compared later.</param>
internal readonly record struct SourcePath(string Path, ExportRoot? Root = null, SourceWatch? Watch = null)
{
    /// <summary>The whole path, for messages.</summary>
    internal string Full => Root is null ? Path : System.IO.Path.Join(Root.Path, Path);

    /// <summary>Returns the names on the way from the root to the file.</summary>
    /// <exception cref="SourceException">The path is absolute, names the root itself, or contains <c>..</c>.</exception>
    internal string[] Segments()
    {
        var segments = Path.Split('/');
        return Array.TrueForAll(segments, segment => segment is not ("" or "." or ".."))
            ? segments
            : throw SourceException.Outside(Full, Root!.Path);
    }

    public static implicit operator SourcePath(string path) => new(path);
}
