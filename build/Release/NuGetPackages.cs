using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Release;

/// <summary>The packages of others that the release needs: the main group of <c>paket.lock</c>.</summary>
internal static partial class NuGetPackages
{
    internal static IReadOnlyList<Component> Read(string repository)
    {
        var main = File.ReadAllText(Path.Combine(repository, "paket.lock")).Split("\nGROUP ")[0];
        return [.. Locked().Matches(main).Select(found => Read(repository, found))];
    }

    internal static string ReferenceOf(string name) => $"nuget:{name}";

    private static Component Read(string repository, Match found)
    {
        var (name, version) = (found.Groups["name"].Value, found.Groups["version"].Value);
        var lower = name.ToLowerInvariant();
        var folder = Path.Combine(repository, ".feed", lower, version);
        var metadata = Metadata(XDocument.Load(Path.Combine(folder, $"{lower}.nuspec")));
        var digest = File.ReadAllText(Path.Combine(folder, $"{lower}.{version}.nupkg.sha512")).Trim();
        return new Component(ReferenceOf(name), "library", name, version, LicenceOf(metadata, folder))
        {
            PackageUrl = $"pkg:nuget/{name}@{version}",
            Digest = ("SHA-512", Convert.ToHexStringLower(Convert.FromBase64String(digest))),
            Copyright = Value(metadata, "copyright"),
            DependsOn =
            [
                .. Needed()
                    .Matches(found.Groups["needs"].Value)
                    .Select(it => ReferenceOf(it.Groups[1].Value)),
            ],
        };
    }

    /// <summary>The element <c>metadata</c> of a nuspec, whatever its namespace.</summary>
    internal static XElement Metadata(XDocument nuspec) =>
        nuspec.Root!.Elements().First(element => element.Name.LocalName == "metadata");

    private static string? Value(XElement metadata, string name) =>
        metadata.Elements().FirstOrDefault(element => element.Name.LocalName == name)?.Value.Trim();

    /// <summary>The expression of the nuspec, or the licence whose text the named file has.</summary>
    private static Licence? LicenceOf(XElement metadata, string folder)
    {
        var element = metadata.Elements().FirstOrDefault(element => element.Name.LocalName == "license");
        if (element?.Attribute("type")?.Value == "expression")
            return new Licence(element.Value, IsExpression: true);
        if (element is null)
            return null;
        var path = Directory
            .EnumerateFiles(folder)
            .FirstOrDefault(path =>
                Path.GetFileName(path).Equals(element.Value, StringComparison.OrdinalIgnoreCase)
                || Path.GetFileNameWithoutExtension(path)
                    .Equals(element.Value, StringComparison.OrdinalIgnoreCase)
            );
        var isMit = path is not null && MitText().IsMatch(File.ReadAllText(path));
        return isMit
            ? new Licence("MIT", IsExpression: true)
            : new Licence(element.Value, IsExpression: false);
    }

    [GeneratedRegex(
        @"^    (?<name>[A-Za-z][A-Za-z0-9._-]*) \((?<version>[^)]*)\).*\n(?<needs>(      .*\n)*)",
        RegexOptions.Multiline
    )]
    private static partial Regex Locked();

    [GeneratedRegex(@"^      ([A-Za-z][A-Za-z0-9._-]*) ", RegexOptions.Multiline)]
    private static partial Regex Needed();

    [GeneratedRegex(@"^\s*(The )?MIT License", RegexOptions.IgnoreCase)]
    private static partial Regex MitText();
}
