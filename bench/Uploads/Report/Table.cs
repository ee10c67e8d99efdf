using System.Globalization;

namespace CellOS.Export.S3.Bench.Report;

/// <summary>Aligned text, and numbers as people read them.</summary>
internal static class Table
{
    /// <summary>The first row is the head; the first column is flush left, the others right.</summary>
    internal static IEnumerable<string> Render(IReadOnlyList<string[]> rows)
    {
        var widths = Enumerable
            .Range(0, rows[0].Length)
            .Select(column => rows.Max(row => row[column].Length))
            .ToArray();
        foreach (var row in rows)
            yield return string.Join(
                    "  ",
                    row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))
                )
                .TrimEnd();
    }

    /// <summary>Such as <c>64 MiB</c>.</summary>
    internal static string Bytes(double bytes) =>
        bytes switch
        {
            >= 1 << 30 => $"{Number(bytes / (1 << 30))} GiB",
            >= 1 << 20 => $"{Number(bytes / (1 << 20))} MiB",
            >= 1 << 10 => $"{Number(bytes / (1 << 10))} KiB",
            _ => $"{Number(bytes)} B",
        };

    /// <summary>Such as <c>100,000</c>.</summary>
    internal static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>With three digits that matter, or all before the point.</summary>
    internal static string Number(double value)
    {
        var size = Math.Abs(value);
        var format = size switch
        {
            >= 1000 => "N0",
            >= 100 => "0",
            >= 10 => "0.#",
            _ => "0.##",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>The median; and how far the rounds lie apart, if there are several.</summary>
    internal static string Of(Spread? spread, double scale = 1) =>
        spread is null ? "–"
        : spread.Min == spread.Max ? Number(spread.Median * scale)
        : $"{Number(spread.Median * scale)} ({Number(spread.Min * scale)}–{Number(spread.Max * scale)})";
}
