using System.Text;
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
        var text = new StringBuilder().AppendLine().AppendLine(title);
        foreach (var row in rows)
        {
            Append(text.Append("  "), row.Setting, settings);
            Append(text.Append("  "), row.From, sources);
            text.Append("  ").AppendLine(row.Value);
        }

        output.Write(text.ToString());
    }

    /// <summary>
    /// By hand, as <see cref="Width"/>: what .NET has for it is compiled when it is first met, which every start would
    /// wait for.
    /// </summary>
    private static void Append(StringBuilder line, string text, int width)
    {
        line.Append(text);
        for (var at = text.Length; at < width; at++)
            line.Append(' ');
    }

    private static int Width(IEnumerable<string> texts)
    {
        var width = 0;
        foreach (var text in texts)
            width = Math.Max(width, text.Length);
        return width;
    }
}
