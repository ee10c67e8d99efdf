using System.Security.Cryptography;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>A folder for the files that are sent, which is removed in the end.</summary>
internal sealed class Workspace : IDisposable
{
    /// <summary>Larger files repeat it; nothing on the way looks for that.</summary>
    private const int BlockSize = 1 << 20;

    /// <summary>What is left to others.</summary>
    private const long Margin = 512L << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("uploads-bench-");

    internal string Folder => _folder.FullName;

    /// <summary>One file.</summary>
    /// <returns>Its path.</returns>
    internal string AddFile(long size, CancellationToken stopping)
    {
        var path = Path.Join(_folder.FullName, $"{size}.bin");
        if (!File.Exists(path))
            Write(path, size, RandomNumberGenerator.GetBytes((int)Math.Min(size, BlockSize)), stopping);
        return path;
    }

    /// <summary>A folder of files, which may lie in folders of a thousand.</summary>
    /// <returns>Its path.</returns>
    internal string AddFolder(string name, int files, int size, CancellationToken stopping)
    {
        var folder = Path.Join(_folder.FullName, name);
        var bytes = new byte[size];
        for (var i = 0; i < files; i++)
        {
            stopping.ThrowIfCancellationRequested();
            var below = files <= 1000 ? folder : Path.Join(folder, $"{i / 1000:D4}");
            if (i % 1000 == 0)
                Directory.CreateDirectory(below);
            RandomNumberGenerator.Fill(bytes);
            File.WriteAllBytes(Path.Join(below, $"{i:D8}{ObjectName.Ending(bytes)}"), bytes);
        }

        return folder;
    }

    internal string AddText(string name, string text)
    {
        var path = Path.Join(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    internal static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
    }

    /// <summary>Why there cannot be a file of this size, or why it would not be read from memory; null if all is well.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="fits">Whether there is room on the disk.</param>
    internal string? ProblemOf(long size, out bool fits)
    {
        var free = new DriveInfo(_folder.FullName).AvailableFreeSpace;
        fits = free >= size + Margin;
        if (!fits)
            return $"A file of {Report.Table.Bytes(size)} was left out: {_folder.Parent} has {Report.Table.Bytes(free)} left.";
        return OperatingSystem.IsLinux() && MemoryLeft() < size + Margin
            ? $"A file of {Report.Table.Bytes(size)} may not fit into the page cache: its figures are those of the disk."
            : null;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>On the disk at its end, so that nothing is left to write while others measure; and in the page cache.</summary>
    private static void Write(string path, long size, byte[] block, CancellationToken stopping)
    {
        using var file = new FileStream(
            path,
            FileMode.CreateNew,
            FileAccess.Write,
            FileShare.None,
            bufferSize: 0
        );
        for (var left = size; left > 0; left -= block.Length)
        {
            stopping.ThrowIfCancellationRequested();
            file.Write(block.AsSpan(0, (int)Math.Min(left, block.Length)));
        }

        file.Flush(flushToDisk: true);
    }

    private static long MemoryLeft()
    {
        const string Key = "MemAvailable:";
        var line = File.ReadLines("/proc/meminfo")
            .First(line => line.StartsWith(Key, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Key.Length).Trim().TrimEnd("kB").Trim(), provider: null) * 1024;
    }
}
