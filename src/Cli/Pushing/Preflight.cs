using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>Refuses a push in which an artifact certainly cannot be exported, before anything is sent.</summary>
internal static class Preflight
{
    /// <summary>Refuses artifacts whose URLs no store can accept, or whose headers do not fit their URLs.</summary>
    /// <param name="bundle">All that was asked for.</param>
    /// <param name="done">What has a receipt already: its URLs do not matter any more.</param>
    /// <param name="sinks">The sinks, with the findings of their configuration.</param>
    /// <param name="arguments">What was asked for.</param>
    /// <exception cref="RefusedException">An artifact certainly cannot be exported.</exception>
    internal static void Check(
        PushBundle bundle,
        IReadOnlySet<PlannedArtifact> done,
        ExportSinks sinks,
        PushArguments arguments
    )
    {
        var rest = bundle.Artifacts.Where(artifact => !done.Contains(artifact)).ToList();
        string[] sentences =
        [
            .. Errors(bundle, rest, done.Count > 0, sinks).Select(finding => finding.ToString()),
        ];
        // A wrong URL explains missing headers as well.
        if (sentences.Length == 0)
            sentences = [.. UnfitHeaders(rest, sinks, arguments)];
        if (sentences.Length > 0)
            throw new RefusedException(sentences);
    }

    /// <summary>
    /// A sentence for artifacts whose uploads overwrite what a receipt says of another artifact or cell; strict mode refuses them.
    /// </summary>
    /// <param name="receipted">What the receipts tell.</param>
    /// <param name="artifacts">What is to be sent, with the addresses.</param>
    /// <param name="sinks">The sinks, with the findings of their configuration.</param>
    /// <param name="cellId">The cell whose evidence this is.</param>
    /// <exception cref="RefusedException">Strict mode refuses them.</exception>
    internal static string[] Overwritten(
        Receipted receipted,
        IEnumerable<(PlannedArtifact Artifact, string Destination)> artifacts,
        ExportSinks sinks,
        string cellId
    )
    {
        var sentences = artifacts
            .Select(item =>
                (
                    item.Artifact.Name,
                    Sentence: Resume
                        .Overwrites(
                            receipted,
                            cellId,
                            item.Artifact.Name,
                            item.Destination,
                            CoreMapping.ToOption(sinks.Of(item.Artifact.Target).KnownUrl(item.Artifact.Name))
                        )
                        ?.Value
                )
            )
            .Where(item => item.Sentence is not null)
            .Select(item => $"'{Shown.Fitted(200, item.Name)}': {item.Sentence}.")
            .ToList();
        string[] shown =
        [
            .. sentences.Take(ShownNames.Most),
            .. sentences.Count > ShownNames.Most
                ? [$"{sentences.Count - ShownNames.Most} more artifacts overwrite objects of others."]
                : Array.Empty<string>(),
        ];
        return shown.Length > 0 && sinks.Configuration.IsStrict
            ? throw new RefusedException([
                .. shown,
                "CELLOS_STRICT_CONFIG=1 refuses uploads that make a receipt in the file false.",
            ])
            : shown;
    }

    /// <summary>Refuses a spec of which no artifact has a file; where one of several is missing, the others are exported.</summary>
    /// <exception cref="RefusedException">Nothing can be exported.</exception>
    internal static void RequireFile(string root, IReadOnlyList<PlannedArtifact> artifacts)
    {
        if (
            artifacts.Any(artifact =>
                FileKinds.Look(artifact.Source.Root!, artifact.Source.Path).Kind != FileKind.Missing
            )
        )
            return;

        throw new RefusedException(
            $"No artifact of the spec has a file below '{Shown.Short(200, root)}': {ShownNames.List([.. artifacts.Select(artifact => artifact.Source.Path)])}. Give the folder of the artifacts with --root, or correct their paths in the spec."
        );
    }

    private static IEnumerable<S3ExportFinding> Errors(
        PushBundle bundle,
        List<PlannedArtifact> rest,
        bool isResumed,
        ExportSinks sinks
    )
    {
        var errors = OfErrors(sinks.Configuration);
        if (!errors.Any())
            return [];

        var targets = rest.GroupBy(artifact => artifact.Target, StringComparer.Ordinal).ToList();
        return isResumed
            ? targets.SelectMany(group =>
                OfErrors(
                    S3ExportConfiguration.Resolve(
                        bundle.Spec.WithArtifacts(group.Key, group.Select(artifact => artifact.Name)),
                        CellIdModule.Value(sinks.Configuration.Cell!)
                    )
                )
            )
            : errors.Where(finding =>
                finding.Target is null || targets.Exists(group => group.Key == finding.Target)
            );
    }

    /// <summary>The errors that end a push before anything is sent.</summary>
    private static IEnumerable<S3ExportFinding> OfErrors(S3ExportConfiguration configuration) =>
        configuration.Findings.Where(finding =>
            finding.Severity == S3ExportSeverity.Error && !FindingId.FailsAlone(finding.Id)
        );

    private static IEnumerable<string> UnfitHeaders(
        List<PlannedArtifact> rest,
        ExportSinks sinks,
        PushArguments arguments
    ) =>
        rest.Select(artifact =>
                (
                    artifact.Name,
                    Problem: sinks.Of(artifact.Target).UnfitHeaders(artifact.Name, arguments.Metadata)
                )
            )
            .Where(item => item.Problem is not null)
            .GroupBy(item => item.Problem!, StringComparer.Ordinal)
            .Select(group => $"{ShownNames.Names([.. group.Select(item => item.Name)])}: {group.Key}.");
}
