using System.IO.Compression;

namespace Release;

/// <summary>A package, which is a ZIP archive.</summary>
internal static class PackageArchive
{
    /// <summary>The earliest time that a ZIP archive can express.</summary>
    private static readonly DateTimeOffset Earliest = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes the package anew: the same entries, in the order of their names, all with one time.</summary>
    internal static void Normalize(string path, DateTimeOffset time)
    {
        var normalized = path + ".new";
        using (var from = ZipFile.OpenRead(path))
        using (var to = ZipFile.Open(normalized, ZipArchiveMode.Create))
        {
            foreach (var entry in from.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
            {
                var copy = to.CreateEntry(entry.FullName, CompressionLevel.SmallestSize);
                copy.LastWriteTime = time.UtcDateTime < Earliest ? Earliest : time.ToUniversalTime();
                copy.ExternalAttributes = entry.ExternalAttributes;
                using var content = entry.Open();
                using var written = copy.Open();
                content.CopyTo(written);
            }
        }
        File.Move(normalized, path, overwrite: true);
    }
}
