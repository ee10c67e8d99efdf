using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>The files that are sent, in turn: one, or those of a folder.</summary>
internal sealed class Sources
{
    private readonly string[] _paths;
    private readonly string[] _endings;

    /// <summary>Of each, in bytes.</summary>
    internal long Size { get; }

    /// <exception cref="UsageException">A file is missing, or has another size.</exception>
    internal Sources(string path, long size)
    {
        Size = size;
        _paths = Directory.Exists(path) ? Directory.GetFiles(path) : [path];
        if (
            _paths.Length == 0
            || _paths.Any(file => new FileInfo(file) is not { Exists: true } info || info.Length != size)
        )
            throw new UsageException($"'{path}' is no file of {size} bytes, and no folder of such files.");
        _endings = [.. _paths.Select(ObjectName.Ending)];
    }

    internal IReadOnlyList<string> Paths => _paths;

    internal string this[int index] => _paths[index % _paths.Length];

    /// <summary>The name of the push of this index.</summary>
    internal string Name(string prefix, int index) =>
        $"{prefix}{index:D8}{_endings[index % _endings.Length]}";
}
