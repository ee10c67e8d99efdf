using System.Formats.Tar;
using System.IO.Compression;
using System.Text.RegularExpressions;

namespace Release;

/// <summary>The archive of the native tool, which has the licences of all that is compiled into the tool.</summary>
internal static partial class NativeArchive
{
    private const string Notices = "THIRD-PARTY-NOTICES.txt";

    /// <summary>The file of licences in the archive.</summary>
    internal static string ReadNotices(string archive)
    {
        using var reader = new TarReader(
            new GZipStream(File.OpenRead(archive), CompressionMode.Decompress),
            leaveOpen: false
        );
        while (reader.GetNextEntry() is { } entry)
            if (entry.Name.EndsWith("/" + Notices, StringComparison.Ordinal))
                return new StreamReader(entry.DataStream!).ReadToEnd();
        throw new InvalidDataException($"{archive} has no {Notices}");
    }

    /// <summary>The names and versions that are compiled into the tool: the headings of its licences.</summary>
    internal static IReadOnlyList<(string Name, string Version)> Parts(string notices) =>
        [
            .. Heading()
                .Matches(notices)
                .Select(found => (found.Groups["name"].Value, found.Groups["version"].Value)),
        ];

    [GeneratedRegex(@"^={80}\n(?<name>.+) (?<version>\d\S*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
