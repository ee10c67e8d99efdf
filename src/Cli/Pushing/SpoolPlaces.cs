using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Spooling;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>Refuses a push whose spool cannot be used, or is a part of what is pushed, before anything is sent.</summary>
internal static class SpoolPlaces
{
    /// <summary>Makes the folders of the spools where they are missing, and checks them.</summary>
    /// <param name="configuration">What names the spools.</param>
    /// <param name="paths">The PATHs of the command line.</param>
    /// <param name="artifacts">What is to be exported.</param>
    /// <exception cref="RefusedException">A spool cannot be used, or is inside the bundle, or the other way round.</exception>
    internal static void Require(
        S3ExportConfiguration configuration,
        IReadOnlyList<string> paths,
        IReadOnlyList<PlannedArtifact> artifacts
    )
    {
        if (!OperatingSystem.IsLinux())
        {
            if (configuration.SpoolFolders.Count > 0)
                throw new RefusedException("A spool needs Linux. Unset the variables of the spool.");
            return;
        }

        // First: a folder that is made inside the bundle would be evidence.
        string[] sentences = [.. Overlaps(configuration, paths, artifacts)];
        if (sentences.Length == 0)
            sentences = [.. configuration.SpoolFolders.Select(Problem).OfType<string>()];
        if (sentences.Length > 0)
            throw new RefusedException(sentences);
    }

    /// <summary>A sentence for each spool that is inside the bundle, and for each that has an artifact in it.</summary>
    internal static IEnumerable<string> Overlaps(
        S3ExportConfiguration configuration,
        IReadOnlyList<string> paths,
        IReadOnlyList<PlannedArtifact> artifacts
    )
    {
        string[] places =
        [
            .. artifacts
                .Select(artifact => Path.GetDirectoryName(Path.GetFullPath(artifact.Source.Full)))
                .OfType<string>()
                .Distinct(StringComparer.Ordinal),
        ];
        foreach (var folder in configuration.SpoolFolders)
            if (paths.FirstOrDefault(path => IsWithin(folder, path)) is { } bundle)
                yield return $"The spool {Quote(folder)} is inside the PATH {Quote(bundle)}, so that its copies would be exported as evidence. Give a spool elsewhere.";
            else if (places.FirstOrDefault(place => IsWithin(place, folder)) is { } inside)
                yield return $"The artifacts in {Quote(inside)} are inside the spool {Quote(folder)}. Export the content of a spool with '{Tool.Name} drain'.";
    }

    /// <summary>Opens a spool, and makes its folder; returns why that cannot be done.</summary>
    private static string? Problem(string folder)
    {
        try
        {
#pragma warning disable CA1416 // Checked by the caller.
            SpoolFolder.Open(folder).Dispose();
#pragma warning restore CA1416
            return null;
        }
        catch (SpoolRefusedException refused)
        {
            return refused.Message;
        }
    }

    /// <summary>True if a path leads to a folder or to something below it, by whatever links.</summary>
    private static bool IsWithin(string path, string folder)
    {
        if (FileIdentity.OfTarget(folder) is not { } identity)
            return false;
        for (
            var above = Real(Path.GetFullPath(path));
            above is not null;
            above = Path.GetDirectoryName(above)
        )
            if (FileIdentity.OfTarget(above) == identity)
                return true;
        return false;
    }

    /// <summary>The path without links in the part of it that is there.</summary>
    private static string Real(string path)
    {
        var rest = "";
        for (var known = path; known is not null; known = Path.GetDirectoryName(known))
        {
            if (Directory.Exists(known))
            {
                using var root = ExportRoot.Open(known);
                return Path.Join(root.AbsolutePaths().Last(), rest);
            }

            rest = Path.Join(Path.GetFileName(known), rest);
        }

        return path;
    }

    private static string Quote(string path) => $"'{Shown.Short(200, path)}'";
}
