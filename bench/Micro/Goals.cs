using System.Globalization;

namespace CellOS.Export.S3.Bench;

/// <summary>One benchmark's figures, of one operation.</summary>
internal sealed record Figure(string Name, bool? SessionToken, double Nanoseconds, long Bytes);

/// <summary>What the core is to keep to: so many nanoseconds and, where there is a limit, bytes at most.</summary>
internal sealed record Goal(string What, double Nanoseconds, long? Bytes, Func<string, bool> Covers);

/// <summary>The goals of the issue, held against what was measured.</summary>
internal static class Goals
{
    private static readonly Goal[] All =
    [
        new("plan and render", 2000, null, name => name == nameof(UrlBenchmarks.PlanAndRender)),
        new("one step", 200, null, name => name.Contains("To", StringComparison.Ordinal) && IsStep(name)),
        new(
            "three-attempt push",
            5000,
            4096,
            name => name.StartsWith("ThreeAttempts", StringComparison.Ordinal)
        ),
        new(
            "three-attempt push, plan and URL included",
            5000,
            4096,
            name => name == nameof(PushBenchmarks.PlanAndThreeAttempts)
        ),
    ];

    private static bool IsStep(string name) => typeof(StepBenchmarks).GetMethod(name) is not null;

    /// <summary>One row for each goal and each benchmark that it covers: goal, benchmark, figures, verdict.</summary>
    internal static IEnumerable<(Goal Goal, Figure Figure, string Verdict)> Judge(
        IReadOnlyList<Figure> figures
    ) =>
        from goal in All
        from figure in figures
        where goal.Covers(figure.Name)
        select (goal, figure, Verdict(goal, figure));

    private static string Verdict(Goal goal, Figure figure)
    {
        var missed = new List<string>();
        if (figure.Nanoseconds > goal.Nanoseconds)
            missed.Add(Percent("time", figure.Nanoseconds / goal.Nanoseconds));
        if (goal.Bytes is { } bytes && figure.Bytes > bytes)
            missed.Add(Percent("bytes", (double)figure.Bytes / bytes));
        return missed.Count == 0 ? "met" : "missed by " + string.Join(", ", missed);
    }

    private static string Percent(string what, double ratio) =>
        string.Create(CultureInfo.InvariantCulture, $"{(ratio - 1) * 100:0.#} % ({what})");
}
