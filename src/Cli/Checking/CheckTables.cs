using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>The report for people: a table for each target, one for what they share, and what was noticed.</summary>
internal static class CheckTables
{
    internal static void Write(string spec, CheckReport report, TextWriter output) =>
        Write(
            spec,
            report.Configuration!,
            output,
            Console.IsOutputRedirected ? new TextTables(output) : new TerminalTables(output),
            report
        );

    internal static void Write(
        string spec,
        S3ExportConfiguration configuration,
        TextWriter output,
        ITableWriter tables,
        CheckReport? report = null
    )
    {
        var artifacts = configuration.Spec.AllArtifacts.Count;
        output.WriteLine(
            $"{Shown.Line(Redaction.Plain(spec))}: {Targets(configuration)}, {Count(artifacts, "artifact")} listed{(report?.Shard is { } shard ? $" in shard {shard}" : "")}"
        );
        foreach (var target in configuration.Targets)
            tables.Write(
                target.Name.Length == 0 ? "default sink" : $"target {target.Name}",
                [.. CheckRow.Of(target)]
            );
        tables.Write("all targets", [.. configuration.Globals.Select(CheckRow.Of)]);
        foreach (var probe in report?.Probes ?? [])
            tables.Write($"probe of target {probe.Target}", [.. CheckRow.Of(probe)]);
        output.WriteLine();
        foreach (var spool in report?.Spools ?? [])
        {
            output.WriteLine(
                $"spool {FilePath.Show(spool.Folder)}: {Count(spool.Artifacts, "artifact")}, {spool.Bytes} bytes{(spool.Oldest is { } oldest ? $", the oldest of {oldest:yyyy-MM-dd HH:mm:ss}Z" : "")}"
            );
            foreach (var problem in spool.Problems)
                output.WriteLine($"  {Shown.Sentence(problem)}");
        }

        foreach (var artifact in report?.Artifacts ?? [])
            output.WriteLine(
                artifact.Problem is { } problem
                    ? Shown.Line(problem)
                    : $"{Shown.Artifact(artifact.Name)}: {artifact.Bytes} bytes to {Place(artifact)}"
            );
        foreach (var note in report?.Notes ?? [])
            output.WriteLine(note);
        foreach (var other in configuration.Spec.OtherTargets)
            output.WriteLine(
                $"target '{Shown.Name(other.Name)}' is of kind '{Shown.Name(other.Kind)}', which this tool leaves alone"
            );
        foreach (var note in PushBundle.Omitted(configuration.Spec))
            output.WriteLine(note);
        var findings = report?.Findings ?? configuration.Findings;
        foreach (var finding in findings)
            output.WriteLine(finding.ToString());
        var warnings = findings.Count(finding => finding.IsWarning);
        output.WriteLine(
            !configuration.IsUsable || report?.Problems.Count > 0
                ? "This cannot be used: standard error has the reasons."
            : report?.Probes.Any(probe => probe.Problem is not null) == true
                ? "A source of URLs gave none that can be used: see the probes."
            : !configuration.AllCanBeExported || report is { IsGood: false }
                ? "Not every artifact can be exported: see the errors."
            : warnings > 0 ? $"This can be used, with {Count(warnings, "warning")}."
            : "This can be used."
        );
    }

    private static string Targets(S3ExportConfiguration configuration) =>
        Count(
            configuration.Targets.Count,
            configuration.Targets.All(target => target.Kind == ExportTargetKind.S3) ? "S3 target" : "target"
        );

    private static string Place(CheckedArtifact artifact) =>
        artifact.Bucket is not null ? $"s3://{artifact.Bucket}/{Shown.Artifact(artifact.Key!)}"
        : artifact.Destination is { } destination ? Shown.Line(destination)
        : artifact.Target.Length == 0 ? "the default sink"
        : $"the target '{artifact.Target}'";

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
