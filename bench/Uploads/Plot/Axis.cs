namespace CellOS.Export.S3.Bench.Plot;

/// <summary>From values to places between 0 and 1, with marks at round values.</summary>
/// <param name="Label">What is on it, with the unit.</param>
/// <param name="Marks">Values and what is written beside them.</param>
/// <param name="Place">Where a value is.</param>
internal sealed record Axis(
    string Label,
    IReadOnlyList<(double Value, string Text)> Marks,
    Func<double, double> Place
)
{
    /// <summary>From 0 to a round value above all.</summary>
    /// <param name="label">What is on it, with the unit.</param>
    /// <param name="values">One or more of 0 or more.</param>
    internal static Axis Linear(string label, IEnumerable<double> values)
    {
        var step = RoundStep(Math.Max(values.Max(), 1e-9) / 5);
        var top = Math.Ceiling(values.Max() / step) * step;
        var marks = Enumerable
            .Range(0, (int)Math.Round(top / step) + 1)
            .Select(i => (i * step, Report.Table.Number(i * step)));
        return new Axis(label, [.. marks], value => value / top);
    }

    /// <summary>Logarithmic, over whole powers of ten.</summary>
    /// <param name="label">What is on it, with the unit.</param>
    /// <param name="values">One or more above 0.</param>
    /// <param name="text">Writes a value beside its mark.</param>
    internal static Axis Decades(string label, IEnumerable<double> values, Func<double, string> text)
    {
        var (low, high) = (
            (int)Math.Floor(Math.Log10(values.Min())),
            (int)Math.Ceiling(Math.Log10(values.Max()))
        );
        high = Math.Max(high, low + 1);
        var marks = Enumerable
            .Range(low, high - low + 1)
            .Select(i => (Math.Pow(10, i), text(Math.Pow(10, i))));
        return new Axis(label, [.. marks], value => (Math.Log10(value) - low) / (high - low));
    }

    /// <summary>Logarithmic, from the first of some ascending values to the last, with a mark at each.</summary>
    internal static Axis Steps(string label, IReadOnlyList<double> values, Func<double, string> text)
    {
        var (low, high) = (Math.Log(values[0]), Math.Log(values[^1]));
        return new Axis(
            label,
            [.. values.Select(value => (value, text(value)))],
            value => high > low ? (Math.Log(value) - low) / (high - low) : 0.5
        );
    }

    /// <summary>1, 2, 3 …, each in the middle of its own part.</summary>
    internal static Axis Ordinals(string label, int count) =>
        new(
            label,
            [.. Enumerable.Range(1, count).Select(i => ((double)i, $"{i}"))],
            value => (value - 0.5) / count
        );

    /// <summary>The next of 1, 2 or 5 times a power of ten.</summary>
    private static double RoundStep(double atLeast)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(atLeast)));
        var factor = (atLeast / power) switch
        {
            <= 1.001 => 1,
            <= 2.001 => 2,
            <= 5.001 => 5,
            _ => 10,
        };
        return factor * power;
    }
}
