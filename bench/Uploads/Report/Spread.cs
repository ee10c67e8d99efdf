namespace CellOS.Export.S3.Bench.Report;

/// <summary>The middle of some numbers, and how far they lie apart.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    /// <param name="values">One or more.</param>
    internal static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("There is no median of nothing.", nameof(values));
        var (low, high) = (sorted[(sorted.Length - 1) / 2], sorted[sorted.Length / 2]);
        return new Spread((low + high) / 2, sorted[0], sorted[^1]);
    }

    /// <summary>
    /// Of what two measured in the same round: a machine that was slow for a while was so for both. A round that lacks
    /// one of them is left out.
    /// </summary>
    /// <param name="rounds">A pair for each round.</param>
    /// <param name="compare">What is made of a pair: a ratio, or a difference.</param>
    /// <returns>Null if no round has both.</returns>
    internal static Spread? OfPairs(
        IEnumerable<(double? Ours, double? Theirs)> rounds,
        Func<double, double, double> compare
    )
    {
        double[] compared =
        [
            .. rounds
                .Where(pair => pair is { Ours: not null, Theirs: not null })
                .Select(pair => compare(pair.Ours!.Value, pair.Theirs!.Value)),
        ];
        return compared.Length == 0 ? null : Of(compared);
    }
}
