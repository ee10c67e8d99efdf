// What the build does to files that it has made. build.sh calls it; the first argument is the command.
using System.Globalization;
using Release;

try
{
    switch (args)
    {
        case ["normalize", var folder, var seconds]:
            foreach (var path in Directory.EnumerateFiles(folder, "*.*nupkg"))
                PackageArchive.Normalize(path, SourceTime(seconds));
            return 0;
        case ["sbom", var repository, var folder, var version, var revision, var seconds]:
            var release = ReleaseFolder.Read(repository, folder, version);
            var file = Path.Combine(folder, $"cellos-export-s3-{version}.cdx.json");
            File.WriteAllText(file, BillOfMaterials.ToJson(release, revision, SourceTime(seconds)));
            return 0;
        default:
            Console.Error.WriteLine(
                "usage: Release normalize FOLDER SECONDS | sbom REPOSITORY FOLDER VERSION REVISION SECONDS"
            );
            return 2;
    }
}
catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"Release: {e.Message}");
    return 1;
}

static DateTimeOffset SourceTime(string seconds) =>
    DateTimeOffset.FromUnixTimeSeconds(long.Parse(seconds, CultureInfo.InvariantCulture));
