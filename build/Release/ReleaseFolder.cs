using System.IO.Compression;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace Release;

/// <summary>The files of a release: what they are, and what is in them or needed by them.</summary>
/// <param name="Version">The version of the release.</param>
/// <param name="Made">Packages, archive and image.</param>
/// <param name="Parts">What others have made.</param>
internal sealed record ReleaseFolder(
    string Version,
    IReadOnlyList<Component> Made,
    IReadOnlyList<Component> Parts
)
{
    private const string Tool = "CellOS.Export.S3.Cli";
    private const string Runtime = "dotnet-runtime";
    private static readonly Licence Mit = new("MIT", IsExpression: true);

    /// <summary>Reads a folder that has the packages; archive and image are optional.</summary>
    internal static ReleaseFolder Read(string repository, string folder, string version)
    {
        var parts = NuGetPackages.Read(repository).ToList();
        var shipped = parts.Where(part => part.Name != "FsCheck").Select(part => part.Reference).ToArray();
        var made = Files(folder, $".{version}.nupkg")
            .Select(path => PackageOf(path, version, shipped))
            .ToList();
        foreach (var path in Files(folder, ".tar.gz"))
        {
            var contained = NativeArchive.Parts(NativeArchive.ReadNotices(path));
            parts.AddRange(contained.Where(part => part.Name == ".NET runtime").Select(RuntimeOf));
            made.Add(
                FileOf(path, "application", version) with
                {
                    DependsOn = [.. contained.Select(part => ReferenceOf(part.Name))],
                }
            );
        }
        foreach (var path in Files(folder, ".oci.tar"))
        {
            var debian = ImagePackages.Read(path);
            parts.AddRange(debian);
            made.Add(
                FileOf(path, "container", version) with
                {
                    DependsOn =
                    [
                        .. Files(folder, ".tar.gz").Select(file => Path.GetFileName(file)),
                        .. debian.Select(package => package.Reference),
                    ],
                }
            );
        }
        return new ReleaseFolder(version, made, parts);
    }

    private static IEnumerable<string> Files(string folder, string end) =>
        Directory
            .EnumerateFiles(folder)
            .Where(path => path.EndsWith(end, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    private static string ReferenceOf(string name) =>
        name == ".NET runtime" ? Runtime : NuGetPackages.ReferenceOf(name);

    private static Component RuntimeOf((string Name, string Version) part) =>
        new(Runtime, "framework", part.Name, part.Version, Mit);

    private static Component FileOf(string path, string type, string version) =>
        new(Path.GetFileName(path), type, Path.GetFileName(path), version, Mit) { Digest = DigestOf(path) };

    private static (string, string) DigestOf(string path) =>
        ("SHA-256", Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));

    /// <summary>A library depends on what its nuspec names; the tool contains what it needs.</summary>
    private static Component PackageOf(string path, string version, IReadOnlyList<string> shipped)
    {
        var name = Path.GetFileName(path)[..^$".{version}.nupkg".Length];
        using var package = ZipFile.OpenRead(path);
        using var nuspec = package.GetEntry($"{name}.nuspec")!.Open();
        var metadata = NuGetPackages.Metadata(XDocument.Load(nuspec));
        string[] needs =
        [
            .. metadata
                .Descendants()
                .Where(element => element.Name.LocalName == "dependency")
                .Select(element => NuGetPackages.ReferenceOf(element.Attribute("id")!.Value)),
        ];
        var isTool = name == Tool;
        return new Component(
            NuGetPackages.ReferenceOf(name),
            isTool ? "application" : "library",
            name,
            version,
            Mit
        )
        {
            PackageUrl = $"pkg:nuget/{name}@{version}",
            Digest = DigestOf(path),
            DependsOn = isTool ? shipped : needs,
        };
    }
}
