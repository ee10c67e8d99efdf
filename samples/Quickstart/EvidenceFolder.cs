namespace Quickstart;

/// <summary>A file, and its name within the folder, with <c>/</c> between the parts.</summary>
internal sealed record EvidenceFile(string Name, FileInfo Info);

/// <summary>The files of a folder that are exported.</summary>
internal sealed class EvidenceFolder
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    private readonly List<EvidenceFile> _files = [];

    private EvidenceFolder(string path)
    {
        Add(new DirectoryInfo(path), "");
        _files.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
    }

    internal IReadOnlyList<EvidenceFile> Files => _files;

    /// <summary>Without those that went in the meantime, or whose name is no text: the exporter reports them.</summary>
    internal long Bytes => _files.Where(file => file.Info.Exists).Sum(file => file.Info.Length);

    /// <summary>Symbolic links, which are never followed: they may lead out of the folder.</summary>
    internal int LinksPassedOver { get; private set; }

    /// <summary>Lists the folder as it is now.</summary>
    internal static EvidenceFolder List(string path)
    {
        if (File.Exists(path))
            throw new UsageException($"'{path}' is a file; give the folder that holds it.");
        if (!Directory.Exists(path))
            throw new UsageException($"There is no folder '{path}'.");
        try
        {
            var folder = new EvidenceFolder(Path.GetFullPath(path));
            return folder.Files.Count > 0
                ? folder
                : throw new UsageException($"There is no file to export in '{path}'.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The folder '{path}' cannot be read: {e.Message}");
        }
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
