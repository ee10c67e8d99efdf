using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Spooling;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary><c>check</c>: what the spec and the environment result in. Nothing is sent to a store.</summary>
internal static class Checker
{
    /// <summary>Writes the report, and on standard error why it would be refused, if it would.</summary>
    /// <param name="arguments">What was asked for.</param>
    /// <param name="output">Takes the report.</param>
    /// <param name="error">Takes what is wrong, a sentence each.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="RefusedException">A library that it needs is missing, or a PATH cannot be exported.</exception>
    internal static int Run(CheckArguments arguments, TextWriter output, TextWriter error)
    {
        using var log = new CommandLog { Note = line => error.WriteLine($"{Tool.Name}: {line}") };
        var report = Resolve(arguments, log);
        if (arguments.Json)
            output.WriteLine(CheckJson.Render(arguments.Spec, report));
        else if (report.Configuration is not null)
            CheckTables.Write(arguments.Spec, report, output);
        foreach (var problem in report.Problems)
            error.WriteLine($"{Tool.Name}: {problem}");
        return report.IsGood ? ExitCode.Done : ExitCode.Refused;
    }

    private static CheckReport Resolve(CheckArguments arguments, CommandLog log)
    {
        if (Configured.ProblemOfCellId(arguments.CellId) is { } noCell)
            return new CheckReport(null, [noCell]);

        try
        {
            // A bundle of certificates is read, a broker is asked, or names are hashed; nothing else of check needs it.
            if (
                arguments.Probe
                || arguments.Shard is not null
                || !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(Variable.CaBundle))
            )
                OpenSsl.Require();
            var spec = Configured.Load(arguments.Spec, arguments.Target);
            if (arguments.Paths.Count > 0)
                Configured.CellId(
                    arguments.CellId,
                    spec,
                    $"The PATH '{Redaction.Plain(arguments.Paths[0])}'"
                );
            if (arguments.Probe)
                Configured.CellId(arguments.CellId, spec, "--probe");
            var bundle =
                arguments.Paths.Count > 0
                    ? PushBundle.OfPaths(spec, arguments.Paths, null, new CommandFiles()).Of(arguments.Shard)
                    : null;
            var configuration = S3ExportConfiguration.Resolve(bundle?.Spec ?? Own(spec), arguments.CellId);
            var spools = Spools(configuration);
            return new CheckReport(
                configuration,
                [
                    .. NoTarget(spec),
                    .. configuration.Refusals,
                    .. Strict(configuration, bundle),
                    .. spools
                        .Select(spool => spool.Refusal)
                        .OfType<string>()
                        .Concat(SpoolPlaces.Overlaps(configuration, arguments.Paths, bundle?.Artifacts ?? []))
                        .Select(problem => new S3ExportProblem { Text = problem }),
                ]
            )
            {
                Spools = spools,
                Findings =
                [
                    .. configuration.Findings,
                    .. bundle is null
                        ? SpecFiles.Problems(configuration, arguments.Root)
                        : SpecFiles.Unfit(
                            configuration,
                            bundle.Artifacts.Select(artifact => (artifact.Target, artifact.Source))
                        ),
                ],
                Artifacts = bundle is null ? [] : CheckedArtifact.Of(bundle, configuration),
                Notes = bundle?.Notes ?? [.. EmptyShard(spec)],
                Shard = arguments.Shard,
                Probes =
                    arguments.Probe && configuration.IsUsable
                        ? UrlProbe.RunAsync(configuration, configuration.Cell!, log).GetAwaiter().GetResult()
                        : [],
            };
        }
        catch (S3ExportConfigurationException refused)
        {
            return new CheckReport(null, refused.Problems);
        }

        S3ExportSpec Own(S3ExportSpec spec) => arguments.Shard is { } shard ? spec.OfShard(shard) : spec;

        IEnumerable<string> EmptyShard(S3ExportSpec spec) =>
            arguments.Shard is { } shard && spec.AllArtifacts.Count > 0 && Own(spec).AllArtifacts.Count == 0
                ? [PushBundle.NoneOf(shard, spec.AllArtifacts.Count)]
                : [];
    }

    private static IReadOnlyList<SpoolSurvey> Spools(S3ExportConfiguration configuration) =>
        OperatingSystem.IsLinux() ? [.. configuration.SpoolFolders.Select(SpoolSurvey.Of)] : [];

    private static IEnumerable<S3ExportProblem> Strict(
        S3ExportConfiguration configuration,
        PushBundle? bundle
    ) =>
        configuration.IsStrict && bundle is not null
            ? bundle.StrictProblems.Select(problem => new S3ExportProblem { Text = problem })
            : [];

    /// <summary>Why a spec without a target that this tool serves is of no use to it.</summary>
    private static IEnumerable<S3ExportProblem> NoTarget(S3ExportSpec spec)
    {
        if (spec.Places > 0)
            yield break;

        var kinds = spec.OtherTargets.Select(other => $"'{Shown.Name(other.Kind)}'").Distinct().ToList();
        yield return new S3ExportProblem
        {
            Text =
                kinds.Count == 0
                    ? "The spec has no target of kind s3, local or http, so nothing can be exported. Add one."
                    : $"The spec has no target of kind s3, local or http, so nothing can be exported: its targets have the kind {string.Join(" or ", kinds)}. Write 'kind: s3', 'local' or 'http' for the target that this tool exports to.",
        };
    }
}
