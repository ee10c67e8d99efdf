using Spectre.Console;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>Shows a table of settings.</summary>
internal interface ITableWriter
{
    /// <param name="title">What the settings are of.</param>
    /// <param name="rows">The settings; no value holds a line break.</param>
    void Write(string title, IReadOnlyList<CheckRow> rows);
}

/// <summary>For a terminal, as wide as that is.</summary>
internal sealed class TerminalTables(TextWriter output) : ITableWriter
{
    private readonly IAnsiConsole _console = AnsiConsole.Create(
        new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }
    );

    public void Write(string title, IReadOnlyList<CheckRow> rows)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns($"[bold]{Markup.Escape(title)}[/]", "value", "from");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Setting), Markup.Escape(row.Value), Markup.Escape(row.From));
        _console.Write(table);
    }
}

/// <summary>
/// For files and pipes: a line a setting, whatever its length, so that a search finds it whole. It is also much the
/// faster one to start.
/// </summary>
internal sealed class TextTables(TextWriter output) : ITableWriter
{
    public void Write(string title, IReadOnlyList<CheckRow> rows)
    {
        var settings = Width(rows.Select(row => row.Setting));
        var sources = Width(rows.Select(row => row.From));
        output.WriteLine();
        output.WriteLine(title);
        foreach (var row in rows)
            output.WriteLine(
                $"  {row.Setting.PadRight(settings)}  {row.From.PadRight(sources)}  {row.Value}"
            );
    }

    private static int Width(IEnumerable<string> texts)
    {
        var width = 0;
        foreach (var text in texts)
            width = Math.Max(width, text.Length);
        return width;
    }
}
