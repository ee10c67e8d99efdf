using System.Globalization;
using System.Text;

namespace Quickstart;

/// <summary>A table for people, aligned by the columns that a terminal gives to each character.</summary>
internal static class Table
{
    private const int MostRows = 40;
    private const int MostWidth = 48;

    /// <summary>The first row is the head; columns named in <paramref name="right"/> are flush right.</summary>
    internal static IEnumerable<string> Render(IReadOnlyList<string[]> rows, params int[] right)
    {
        var shown = rows.Take(MostRows + 1).Select(row => row.Select(Printable).ToArray()).ToArray();
        var last = shown[0].Length - 1;
        var widths = Enumerable
            .Range(0, last + 1)
            .Select(column => Math.Min(MostWidth, shown.Max(row => Width(row[column]))))
            .ToArray();
        foreach (var row in shown)
        {
            // The last column is as long as it is.
            var cells = row.Select((cell, i) => i == last ? cell : Fit(cell, widths[i], right.Contains(i)));
            yield return string.Join("  ", cells);
        }
        if (rows.Count > shown.Length)
            yield return $"… and {rows.Count - shown.Length} more";
    }

    /// <summary>With what could confuse a terminal written out.</summary>
    internal static string Printable(string text)
    {
        var result = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            var hidden =
                category
                is UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator;
            result.Append(hidden ? $"\\u{rune.Value:X4}" : rune.ToString());
        }
        return result.ToString();
    }

    private static string Fit(string cell, int width, bool right)
    {
        if (Width(cell) > width)
        {
            var kept = new StringBuilder();
            foreach (var rune in cell.EnumerateRunes())
            {
                if (Width(kept.ToString()) + Width(rune) >= width)
                    break;
                kept.Append(rune.ToString());
            }
            cell = kept.Append('…').ToString();
        }
        var blanks = new string(' ', width - Width(cell));
        return right ? blanks + cell : cell + blanks;
    }

    private static int Width(string text) => text.EnumerateRunes().Sum(Width);

    private static int Width(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark ? 0
        : IsWide(rune.Value) ? 2
        : 1;

    /// <summary>East Asian Width W or F (UAX #11), by blocks; close enough for a table.</summary>
    private static bool IsWide(int code) =>
        code
            is (>= 0x1100 and <= 0x115F)
                or (>= 0x2E80 and <= 0xA4CF)
                or (>= 0xAC00 and <= 0xD7A3)
                or (>= 0xF900 and <= 0xFAFF)
                or (>= 0xFE30 and <= 0xFE6F)
                or (>= 0xFF00 and <= 0xFF60)
                or (>= 0xFFE0 and <= 0xFFE6)
                or (>= 0x1F300 and <= 0x1F64F)
                or (>= 0x1F680 and <= 0x1F6FF)
                or (>= 0x1F900 and <= 0x1F9FF)
                or (>= 0x20000 and <= 0x3FFFD);
}
