using CellOS.Export.S3.Core;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>
/// Draws the state of a push: a line for all of it, and one for each artifact that is under way. No line is wider than
/// the terminal and there are not more than it has, since it would scroll at every look.
/// </summary>
internal static class PushView
{
    private const int WidestName = 60;
    private const int WidestBar = 24;

    internal static IRenderable Draw(PushState state, int width, int height, bool unicode)
    {
        var lines = new List<IRenderable>
        {
            Line($"{state.Ended} of {state.Artifacts}", state.Fraction, Pace(state), width, unicode),
        };
        foreach (var artifact in state.Running.Take(Math.Max(0, height - 3)))
        {
            var fraction =
                artifact.Wait is not null ? 0
                : artifact.Length > 0 ? (double)artifact.Sent / artifact.Length
                : 1;
            lines.Add(Line(artifact.Name, fraction, Share(artifact, state.Now), width, unicode));
        }

        return new Rows(lines);
    }

    /// <summary>Name, bar and figures; the bar goes first where there is no room, then the figures are cut.</summary>
    private static Markup Line(string name, double fraction, string figures, int width, bool unicode)
    {
        var nameWidth = Math.Clamp(width / 4, 8, WidestName);
        var barWidth = width < 60 ? 0 : Math.Min(WidestBar, width / 6);
        var shownName = Fit(name, nameWidth);
        var between = new string(' ', nameWidth - Cells(shownName) + 1);
        var bar = barWidth == 0 ? "" : Bar(fraction, barWidth, unicode) + " ";
        var room = width - nameWidth - 1 - (barWidth == 0 ? 0 : barWidth + 1) - 1;
        return new Markup(
            Markup.Escape(shownName + between) + bar + Markup.Escape(Fit(figures, Math.Max(3, room)))
        );
    }

    private static string Pace(PushState state)
    {
        var parts = new List<string>();
        if (state.Failed > 0)
            parts.Add($"{state.Failed} failed");
        if (state.Spooled > 0)
            parts.Add($"{state.Spooled} spooled");
        if (state.TimeLeft is { } left)
            parts.Add($"{Amounts.Time(left)} left");
        if (state.Rate is { } rate)
            parts.Add($"{Amounts.Bytes((long)rate)}/s");
        parts.Add($"{Amounts.Bytes(state.BytesBehind)} of {Amounts.Bytes(Math.Max(0, state.Bytes))}");
        return string.Join(", ", parts);
    }

    private static string Share(RunningArtifact artifact, DateTimeOffset now)
    {
        if (artifact.Wait is { } wait)
            return Amounts.Again(wait, now);

        var attempt = artifact.Attempt > 1 ? $", attempt {artifact.Attempt}" : "";
        return artifact.Sent < artifact.Length
            ? $"{Amounts.Bytes(artifact.Sent)} of {Amounts.Bytes(artifact.Length)}{attempt}"
            : $"{Amounts.Bytes(artifact.Length)} sent, awaiting response{attempt}";
    }

    private static string Bar(double fraction, int width, bool unicode)
    {
        var done = (int)Math.Round(Math.Clamp(fraction, 0, 1) * width);
        var (full, empty) = unicode ? ('━', '─') : ('=', '-');
        return $"[green]{new string(full, done)}[/][grey]{new string(empty, width - done)}[/]";
    }

    /// <summary>Some characters take two cells, so it may take fewer of them.</summary>
    private static string Fit(string text, int cells)
    {
        var shown = Shown.Fitted(cells, text);
        for (var most = cells - 1; Cells(shown) > cells && most >= 3; most--)
            shown = Shown.Fitted(most, text);
        return shown;
    }

    private static int Cells(string text) => new Segment(text).CellCount();
}
