using Spectre.Console;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>The report for people: a table for each target, one for what they share, and what was noticed.</summary>
internal static class CheckTables
{
    /// <summary>Wide enough for a variable's name beside a value, where no terminal says otherwise.</summary>
    private const int WidthOfFiles = 160;

    internal static void Write(string spec, S3ExportConfiguration configuration, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected)
            console.Profile.Width = WidthOfFiles;

        console.WriteLine(Summary(spec, configuration));
        foreach (var target in configuration.Targets)
            console.Write(TableOf(target));
        console.Write(TableOf("all targets", configuration.Globals));
        foreach (var other in configuration.Spec.OtherTargets)
            console.WriteLine(
                $"target {other.Name} is of kind {other.Kind}, which this tool leaves alone."
            );
        foreach (var finding in configuration.Findings)
            console.WriteLine(finding.ToString());
        console.WriteLine(configuration.IsUsable ? "This can be used." : "This is refused.");
    }

    private static string Summary(string spec, S3ExportConfiguration configuration)
    {
        var targets = configuration.Targets.Count;
        var artifacts = configuration.Spec.Artifacts.Count;
        return $"{Core.Shown.Line(spec)}: {targets} {(targets == 1 ? "S3 target" : "S3 targets")}, "
            + $"{artifacts} {(artifacts == 1 ? "artifact" : "artifacts")} listed";
    }

    private static Table TableOf(S3ExportTargetReport target)
    {
        var table = TableOf($"target {target.Name}", target.Settings);
        if (target.Expiry is { } expiry)
            table.AddRow("urlExpires", Markup.Escape(expiry), "URL");
        return table;
    }

    private static Table TableOf(string title, IEnumerable<S3ExportSetting> settings)
    {
        var table = new Table { Border = TableBorder.Simple, UseSafeBorder = true };
        table.AddColumns(Markup.Escape(title), "value", "from");
        foreach (var setting in settings)
            table.AddRow(
                Markup.Escape(setting.Name),
                Markup.Escape(setting.Value),
                setting.Origin == "variable" ? Markup.Escape(setting.Variable!) : setting.Origin
            );
        return table;
    }
}
