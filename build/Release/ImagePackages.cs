using System.Formats.Tar;
using System.IO.Compression;

namespace Release;

/// <summary>
/// Debian's packages in a container image: <c>/var/lib/dpkg/status.d/</c> of the image has a file for each, where
/// scanners of images look for them.
/// </summary>
internal static class ImagePackages
{
    private const string Folder = "var/lib/dpkg/status.d/";

    /// <summary>Reads the packages of an OCI archive.</summary>
    internal static IReadOnlyList<Component> Read(string archive)
    {
        var packages = new SortedDictionary<string, Component>(StringComparer.Ordinal);
        var distribution = "debian";
        foreach (var (name, content) in Layers(archive).SelectMany(Files))
            if (name == "etc/os-release" || name == "usr/lib/os-release")
                distribution = DistributionOf(content);
            else if (name.StartsWith(Folder, StringComparison.Ordinal))
                packages[name] = PackageOf(content, distribution);
        return [.. packages.Values];
    }

    /// <summary>The blobs of the archive that are compressed archives themselves.</summary>
    private static IEnumerable<Stream> Layers(string archive)
    {
        foreach (var (_, content) in Files(File.OpenRead(archive)))
            if (content is [0x1f, 0x8b, ..])
                yield return new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
    }

    private static IEnumerable<(string Name, byte[] Content)> Files(Stream stream)
    {
        using var reader = new TarReader(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is null)
                continue;
            var content = new MemoryStream();
            entry.DataStream.CopyTo(content);
            yield return (entry.Name.TrimStart('.', '/'), content.ToArray());
        }
    }

    private static Component PackageOf(byte[] status, string distribution)
    {
        var fields = Fields(status, ':');
        var (name, version, architecture) = (fields["Package"], fields["Version"], fields["Architecture"]);
        return new Component($"deb:{name}", "library", name, version, Licence: null)
        {
            PackageUrl =
                $"pkg:deb/debian/{Uri.EscapeDataString(name)}@{Uri.EscapeDataString(version)}?arch={architecture}&distro={distribution}",
        };
    }

    private static string DistributionOf(byte[] release)
    {
        var fields = Fields(release, '=');
        return $"{fields["ID"].Trim('"')}-{fields.GetValueOrDefault("VERSION_ID", "").Trim('"')}".TrimEnd(
            '-'
        );
    }

    private static Dictionary<string, string> Fields(byte[] content, char separator)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in System.Text.Encoding.UTF8.GetString(content).Split('\n'))
            if (line.IndexOf(separator, StringComparison.Ordinal) is var at and > 0)
                fields.TryAdd(line[..at], line[(at + 1)..].Trim());
        return fields;
    }
}
