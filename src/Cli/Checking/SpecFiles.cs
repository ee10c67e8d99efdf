using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>Looks for the files of the artifacts that a spec lists.</summary>
internal static class SpecFiles
{
    /// <summary>
    /// Returns a finding for each target that has an artifact without a file: an error where the folder is given, and a
    /// warning where the current one stands in for it.
    /// </summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="root">The folder that the paths begin in; null for the current one.</param>
    /// <exception cref="RefusedException">The folder cannot be opened.</exception>
    internal static IReadOnlyList<S3ExportFinding> Missing(S3ExportSpec spec, string? root)
    {
        if (spec.Artifacts.Count == 0)
            return [];

        using var folder = Open(root ?? ".");
        return
        [
            .. spec
                .Artifacts.Where(artifact => FileKinds.Look(folder, artifact.Path).Kind == FileKind.Missing)
                .GroupBy(artifact => artifact.Target!, StringComparer.Ordinal)
                .Select(group => Finding(group.Key, [.. group.Select(artifact => artifact.Path)], root)),
        ];
    }

    private static S3ExportFinding Finding(string target, IReadOnlyCollection<string> paths, string? root)
    {
        var severity = root is null ? Severity.Warning : Severity.Error;
        var what =
            $"the spec lists {ShownNames.List(paths)}, and there is no such file below '{Shown.Short(200, root ?? ".")}'";
        var remedy = root is null
            ? "Give the folder of the artifacts with --root, to check and to push, or correct the paths in the spec."
            : "Correct --root, or the paths in the spec; push would report each as SourceNotFound.";
        return new S3ExportFinding
        {
            Id = FindingId.ArtifactMissing,
            Severity = severity.Name,
            IsWarning = true,
            Target = target,
            Variable = "artifacts",
            What = what,
            Remedy = remedy,
            Message = $"target '{target}': artifacts: {what}. {remedy}",
        };
    }

    private static ExportRoot Open(string path)
    {
        try
        {
            return ExportRoot.Open(path);
        }
        catch (IOException)
        {
            throw new RefusedException(
                $"--root: '{Shown.Short(200, path)}' is not a folder that can be opened. Give the folder that the artifacts of the spec lie below."
            );
        }
    }
}
