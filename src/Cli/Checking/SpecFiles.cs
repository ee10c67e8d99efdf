using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>Looks for the files of artifacts, and opens them without reading them.</summary>
internal static class SpecFiles
{
    /// <summary>
    /// Returns a finding for each target that has an artifact without a file: an error where the folder is given, and a
    /// warning where the current one stands in for it.
    /// </summary>
    /// <param name="configuration">What spec and environment result in.</param>
    /// <param name="root">The folder that the paths begin in; null for the current one.</param>
    /// <exception cref="RefusedException">The folder cannot be opened.</exception>
    /// <exception cref="S3ExportConfigurationException">A path is not below the folder.</exception>
    internal static IReadOnlyList<S3ExportFinding> Problems(S3ExportConfiguration configuration, string? root)
    {
        if (configuration.Spec.AllArtifacts.Count == 0)
            return [];

        using var folder = Open(root ?? ".");
        var spec = configuration.Spec.Below(folder);
        var missing = spec.AllArtifacts.ToLookup(artifact =>
            FileKinds.Look(folder, artifact.Path).Kind == FileKind.Missing
        );
        return
        [
            .. missing[true]
                .GroupBy(artifact => artifact.Target!, StringComparer.Ordinal)
                .Select(group => Missing(group.Key, [.. group.Select(artifact => artifact.Path)], root)),
            .. Unfit(
                configuration,
                missing[false].Select(artifact => (artifact.Target!, new SourcePath(artifact.Path, folder)))
            ),
        ];
    }

    /// <summary>Returns an error for each file that cannot be opened for reading, or that is too large for its target.</summary>
    /// <param name="configuration">What spec and environment result in.</param>
    /// <param name="files">The files that a push would export, with the names of their targets.</param>
    internal static IEnumerable<S3ExportFinding> Unfit(
        S3ExportConfiguration configuration,
        IEnumerable<(string Target, SourcePath Source)> files
    )
    {
        var settings = configuration
            .Core.Targets.Select(report => report.Settings?.Value)
            .OfType<TargetSettings>()
            .ToDictionary(own => TargetNameModule.Value(own.Name), StringComparer.Ordinal);
        foreach (var (target, source) in files)
        {
            if (Obstacle(source, out var length) is { } what)
                yield return Finding(
                    FindingId.ArtifactUnreadable,
                    S3ExportSeverity.Error,
                    target,
                    what,
                    "Let the user who exports read it, or leave it out; push would not export it."
                );
            else if (settings.GetValueOrDefault(target) is { } own && length > own.MaxObjectBytes)
                yield return Finding(
                    FindingId.ArtifactTooLarge,
                    S3ExportSeverity.Error,
                    target,
                    $"the file '{Shown.Short(200, source.Full)}' has {length} bytes, and {own.MaxObjectBytes} are allowed in one PUT",
                    $"Split it, or raise {Variable.ForTarget(own.Name, Variable.MaxObjectBytes)} if the store accepts more; push would not export it."
                );
        }
    }

    private static S3ExportFinding Finding(
        string id,
        S3ExportSeverity severity,
        string target,
        string what,
        string remedy
    ) =>
        new()
        {
            Id = id,
            Severity = severity,
            Target = target.Length == 0 ? null : target,
            Variable = "artifacts",
            What = what,
            Remedy = remedy,
            Message =
                target.Length == 0
                    ? $"artifacts: {what}. {remedy}"
                    : $"target '{target}': artifacts: {what}. {remedy}",
        };

    /// <summary>Returns why a file cannot be opened; null if it can.</summary>
    private static string? Obstacle(SourcePath source, out long length)
    {
        length = 0;
        try
        {
            using var file = SourceFile.Open(source);
            length = file.Length;
            return null;
        }
        catch (SourceException exception)
        {
            return Shown.Line(exception.Message);
        }
    }

    private static S3ExportFinding Missing(string target, IReadOnlyCollection<string> paths, string? root) =>
        Finding(
            FindingId.ArtifactMissing,
            root is null ? S3ExportSeverity.Warning : S3ExportSeverity.Error,
            target,
            $"the spec lists {ShownNames.List(paths)}, and there is no such file below '{Shown.Short(200, root ?? ".")}'",
            root is null
                ? "Give the folder of the artifacts with --root, to check and to push, or correct the paths in the spec."
                : "Correct --root, or the paths in the spec; push would report each as SourceNotFound."
        );

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
