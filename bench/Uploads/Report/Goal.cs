namespace CellOS.Export.S3.Bench.Report;

/// <summary>Whether more or less is better.</summary>
internal enum Bound
{
    AtLeast,
    AtMost,
}

/// <summary>What is to be reached, and what was.</summary>
/// <param name="Name">In words.</param>
/// <param name="Bound">Which way.</param>
/// <param name="Target">The figure that still meets it.</param>
/// <param name="Unit">Of the figures: <c>×</c> for a ratio, or that of an amount.</param>
/// <param name="Measured">Over the rounds; null if nothing was measured that tells.</param>
internal sealed record Goal(string Name, Bound Bound, double Target, string Unit, Spread? Measured)
{
    /// <summary>Whether the median meets it; null if it was not measured.</summary>
    public bool? IsMet =>
        Measured is null ? null
        : Bound == Bound.AtLeast ? Measured.Median >= Target
        : Measured.Median <= Target;

    /// <summary>How far the median is on the wrong side, in percent of the target; 0 if it is met, null if unknown.</summary>
    public double? MissedByPercent =>
        IsMet switch
        {
            null => null,
            true => 0,
            false => Math.Abs(Measured!.Median - Target) / Target * 100,
        };

    /// <summary>Such as <c>missed by 12 %</c>.</summary>
    internal string Verdict =>
        IsMet switch
        {
            null => "not measured",
            true => "met",
            // Never 0, which would look like a goal that was met.
            false => $"missed by {Math.Max(0.1, MissedByPercent!.Value):0.#} %",
        };
}
