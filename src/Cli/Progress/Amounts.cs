using System.Globalization;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>Amounts for people, the same in every culture.</summary>
internal static class Amounts
{
    private static readonly string[] Units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Such as <c>76 B</c>, <c>1.5 MiB</c>.</summary>
    internal static string Bytes(long bytes)
    {
        if (bytes < 1024)
            return $"{bytes} B";

        var amount = (double)bytes;
        var unit = -1;
        // What would be shown as 1024.0 is one of the next unit.
        do
        {
            amount /= 1024;
            unit++;
        } while (amount >= 1023.95 && unit < Units.Length - 1);

        return string.Create(CultureInfo.InvariantCulture, $"{amount:0.0} {Units[unit]}");
    }

    /// <summary>Such as <c>1,204</c>.</summary>
    internal static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The sum; <see cref="long.MaxValue"/> if it is larger. Sparse files may have more bytes together than that.</summary>
    internal static long Sum(IEnumerable<long> amounts)
    {
        var sum = Int128.Zero;
        foreach (var amount in amounts)
            sum += amount;
        return long.CreateSaturating(sum);
    }

    /// <summary>Such as <c>503 SlowDown, again in 1.5 s</c>.</summary>
    internal static string Again(ExportRetryWait wait, DateTimeOffset now)
    {
        var left = TimeSpan.FromTicks(Math.Max(0, (wait.Until - now).Ticks));
        var time =
            left < TimeSpan.FromSeconds(10)
                ? string.Create(CultureInfo.InvariantCulture, $"{left.TotalSeconds:0.0} s")
                : Time(left);
        return $"{wait.Reason}, again in {time}";
    }

    /// <summary>Such as <c>4 s</c>, <c>1:05 min</c>, <c>2:03:07 h</c>.</summary>
    internal static string Time(TimeSpan time)
    {
        var seconds = (long)Math.Round(Math.Max(0, time.TotalSeconds));
        return seconds switch
        {
            < 60 => $"{seconds} s",
            < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00} min"),
            _ => string.Create(
                CultureInfo.InvariantCulture,
                $"{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00} h"
            ),
        };
    }
}
