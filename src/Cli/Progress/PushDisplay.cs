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

/// <summary>What standard output gets of each artifact.</summary>
internal enum ResultsKind
{
    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>One line for people.</summary>
    Lines,

    /// <summary>Nothing: the display on the same terminal shows it.</summary>
    None,
}

/// <summary>The streams and the environment that the choice of a display depends on.</summary>
/// <param name="Quiet">True if the operator asked for failures and notes only.</param>
/// <param name="WantsJson">True if the operator asked for JSON or another format of results.</param>
/// <param name="IsOutputTerminal">True if standard output is a terminal.</param>
/// <param name="IsErrorTerminal">True if standard error is a terminal.</param>
/// <param name="Term">The variable TERM.</param>
/// <param name="NoColor">The variable NO_COLOR.</param>
internal sealed record Surroundings(
    bool Quiet,
    bool WantsJson,
    bool IsOutputTerminal,
    bool IsErrorTerminal,
    string? Term,
    string? NoColor
)
{
    /// <summary>Those of this process.</summary>
    internal static Surroundings Of(bool quiet, bool wantsJson) =>
        new(
            quiet,
            wantsJson,
            !Console.IsOutputRedirected,
            !Console.IsErrorRedirected,
            Environment.GetEnvironmentVariable("TERM"),
            Environment.GetEnvironmentVariable("NO_COLOR")
        );
}

/// <summary>Chooses what standard error and standard output show.</summary>
/// <param name="Display">What standard error shows.</param>
/// <param name="Results">What standard output shows.</param>
internal readonly record struct PushDisplay(DisplayKind Display, ResultsKind Results)
{
    /// <summary>
    /// Bars go to a terminal that can move its cursor (TERM is set, and not <c>dumb</c>); colours go to one unless NO_COLOR
    /// is set (no-color.org). Bars and JSON never go to the same terminal.
    /// </summary>
    internal static PushDisplay Choose(Surroundings given)
    {
        var canMove =
            given.Term is not "dumb" && (OperatingSystem.IsWindows() || !string.IsNullOrEmpty(given.Term));
        var results =
            !given.IsOutputTerminal || given.WantsJson ? ResultsKind.Json
            : given.Quiet || !given.IsErrorTerminal ? ResultsKind.Lines
            : ResultsKind.None;
        var display =
            given.Quiet ? DisplayKind.Quiet
            : !given.IsErrorTerminal || !canMove ? DisplayKind.Lines
            : given.IsOutputTerminal && results == ResultsKind.Json ? DisplayKind.Lines
            : string.IsNullOrEmpty(given.NoColor) ? DisplayKind.Terminal
            : DisplayKind.ColourlessTerminal;
        return new PushDisplay(display, results);
    }

    /// <summary>The display for this process.</summary>
    /// <param name="shard">The shard that is exported; null for all artifacts.</param>
    internal IPushDisplay Open(Core.Shard? shard) =>
        Display switch
        {
            DisplayKind.Quiet => new LineDisplay(Console.Error, TimeProvider.System, quiet: true, shard),
            DisplayKind.Lines => new LineDisplay(Console.Error, TimeProvider.System, quiet: false, shard),
            var kind => new TerminalDisplay(
                TerminalDisplay.Open(Console.Error, colours: kind == DisplayKind.Terminal),
                TimeProvider.System,
                showsExported: Results == ResultsKind.None,
                shard
            ),
        };

    /// <summary>Bars for this process without any other line; null where bars are not shown.</summary>
    internal IPushDisplay? OpenBars() =>
        Display is DisplayKind.Terminal or DisplayKind.ColourlessTerminal
            ? new TerminalDisplay(
                TerminalDisplay.Open(Console.Error, colours: Display == DisplayKind.Terminal),
                TimeProvider.System,
                isBare: true
            )
            : null;
}
