namespace CellOS.Export.S3.Cli.Progress;

internal enum DisplayKind
{
    /// <summary>Bars, drawn over and over.</summary>
    Terminal,

    /// <summary>Bars without colours.</summary>
    ColourlessTerminal,

    /// <summary>A line for each artifact that ended.</summary>
    Lines,

    /// <summary>Failures and notes.</summary>
    Quiet,
}

/// <summary>Chooses what standard error shows.</summary>
internal static class PushDisplay
{
    /// <summary>
    /// Bars go to a terminal that can move its cursor (TERM is set, and not <c>dumb</c>); colours go to one whose user has
    /// not said no to them (NO_COLOR is set to anything but nothing: no-color.org).
    /// </summary>
    internal static DisplayKind Choose(bool quiet, bool redirected, Func<string, string?> environment)
    {
        if (quiet)
            return DisplayKind.Quiet;

        var term = environment("TERM");
        var cannotMove = term is "dumb" || (string.IsNullOrEmpty(term) && !OperatingSystem.IsWindows());
        return redirected || cannotMove ? DisplayKind.Lines
            : string.IsNullOrEmpty(environment("NO_COLOR")) ? DisplayKind.Terminal
            : DisplayKind.ColourlessTerminal;
    }

    /// <summary>The display for this process.</summary>
    internal static IPushDisplay Create(bool quiet) =>
        Choose(quiet, Console.IsErrorRedirected, Environment.GetEnvironmentVariable) switch
        {
            DisplayKind.Quiet => new LineDisplay(Console.Error, TimeProvider.System, quiet: true),
            DisplayKind.Lines => new LineDisplay(Console.Error, TimeProvider.System, quiet: false),
            var kind => new TerminalDisplay(
                TerminalDisplay.Open(Console.Error, colours: kind == DisplayKind.Terminal),
                TimeProvider.System
            ),
        };
}
