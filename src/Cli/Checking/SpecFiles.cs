using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>Looks for the files of artifacts, and opens them without reading them.</summary>
internal static class SpecFiles
{
    /// <summary>
    /// Returns a finding for each target that has an artifact without a file: an error where the folder is given, and a
    /// warning where the current one stands in for it.
    /// </summary>
    /// <param name="spec">What goes where.</param>
    /// <param name="root">The folder that the paths begin in; null for the current one.</param>
    /// <exception cref="RefusedException">The folder cannot be opened.</exception>
    internal static IReadOnlyList<S3ExportFinding> Problems(S3ExportSpec spec, string? root)
    {
        if (spec.Artifacts.Count == 0)
            return [];

        using var folder = Open(root ?? ".");
        var missing = spec.Artifacts.ToLookup(artifact =>
            FileKinds.Look(folder, artifact.Path).Kind == FileKind.Missing
        );
        return
        [
            .. missing[true]
                .GroupBy(artifact => artifact.Target!, StringComparer.Ordinal)
                .Select(group => Finding(group.Key, [.. group.Select(artifact => artifact.Path)], root)),
            .. Unreadable(
                missing[false].Select(artifact => (artifact.Target!, new SourcePath(artifact.Path, folder)))
            ),
        ];
    }

    /// <summary>Returns an error for each file that cannot be opened for reading.</summary>
    /// <param name="files">The files that a push would export, with the names of their targets.</param>
    internal static IEnumerable<S3ExportFinding> Unreadable(
        IEnumerable<(string Target, SourcePath Source)> files
    )
    {
        foreach (var (target, source) in files)
        {
            if (Obstacle(source) is not { } what)
                continue;

            const string remedy =
                "Let the user who exports read it, or leave it out; push would not export it.";
            yield return new S3ExportFinding
            {
                Id = FindingId.ArtifactUnreadable,
                Severity = Severity.Error.Name,
                IsWarning = true,
                Target = target,
                Variable = "artifacts",
                What = what,
                Remedy = remedy,
                Message = $"target '{target}': artifacts: {what}. {remedy}",
            };
        }
    }

    /// <summary>Returns why a file cannot be opened; null if it can.</summary>
    private static string? Obstacle(SourcePath source)
    {
        try
        {
            SourceFile.Open(source).Dispose();
            return null;
        }
        catch (SourceException exception)
        {
            return Shown.Line(exception.Message);
        }
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
