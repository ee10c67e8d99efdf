namespace Quickstart;

/// <summary>A file, and its name within the folder, with <c>/</c> between the parts.</summary>
internal sealed record EvidenceFile(string Name, FileInfo Info);

/// <summary>The files that are to be exported: those of a folder, or of a bundle that lives as long as this.</summary>
internal sealed class EvidenceFolder : IDisposable
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    private readonly bool _isOwn;
    private readonly List<EvidenceFile> _files = [];

    private EvidenceFolder(string path, bool isOwn)
    {
        (Path, _isOwn) = (path, isOwn);
        Add(new DirectoryInfo(path), "");
        _files.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
    }

    internal string Path { get; }

    internal IReadOnlyList<EvidenceFile> Files => _files;

    /// <summary>Without those that went in the meantime, or whose name is no text: the exporter tells of them.</summary>
    internal long Bytes => _files.Where(file => file.Info.Exists).Sum(file => file.Info.Length);

    /// <summary>Symbolic links, which are never followed: they may lead out of the folder.</summary>
    internal int LinksPassedOver { get; private set; }

    internal static EvidenceFolder Open(string? path)
    {
        if (path is null)
        {
            var own = Directory.CreateTempSubdirectory("cellos-quickstart-").FullName;
            EvidenceBundle.Write(own);
            return new EvidenceFolder(own, isOwn: true);
        }
        if (File.Exists(path))
            throw new UsageException($"'{path}' is a file; give the folder that holds it.");
        if (!Directory.Exists(path))
            throw new UsageException($"There is no folder '{path}'.");
        try
        {
            var folder = new EvidenceFolder(System.IO.Path.GetFullPath(path), isOwn: false);
            return folder.Files.Count > 0
                ? folder
                : throw new UsageException($"There is no file to export in '{path}'.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The folder '{path}' cannot be read: {e.Message}");
        }
    }

    public void Dispose()
    {
        if (_isOwn)
            Directory.Delete(Path, recursive: true);
    }

    private void Add(DirectoryInfo folder, string prefix)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos("*", Everything))
        {
            if (entry.LinkTarget is not null)
                LinksPassedOver++;
            else if (entry is DirectoryInfo inner)
                Add(inner, $"{prefix}{entry.Name}/");
            else
                _files.Add(new EvidenceFile(prefix + entry.Name, (FileInfo)entry));
        }
    }
}
