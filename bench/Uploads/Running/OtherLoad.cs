using System.Globalization;
using System.Runtime.Versioning;
using CellOS.Export.S3.Bench.Measuring;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>What other programs, and other machines on the same processors, took of the time that was measured in.</summary>
[SupportedOSPlatform("linux")]
internal sealed class OtherLoad
{
    /// <summary>Of all processors' time; above this it is told.</summary>
    private const double Tolerable = 0.03;

    private readonly (double All, double Busy, double Ours) _before = Look();

    /// <summary>A sentence, if it was much. To be asked when all children have ended.</summary>
    internal string? Note()
    {
        var after = Look();
        var all = after.All - _before.All;
        var others = after.Busy - _before.Busy - (after.Ours - _before.Ours);
        var share = all > 0 ? Math.Max(0, others / all) : 0;
        return share > Tolerable
            ? $"Others used {(share * 100).ToString("0", CultureInfo.InvariantCulture)} % of the processors meanwhile: the figures would be better, and closer together, without them."
            : null;
    }

    /// <summary>
    /// In seconds since the start of the machine: what there was of all processors, what was used of it, by whomever, and
    /// what this process and its children used.
    /// </summary>
    private static (double All, double Busy, double Ours) Look()
    {
        // proc(5): user nice system idle iowait irq softirq steal, in hundredths of a second, and what is in these.
        double[] spent =
        [
            .. File.ReadLines("/proc/stat")
                .First()
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
                .Select(text => double.Parse(text, CultureInfo.InvariantCulture) / 100),
        ];
        var all = spent.Sum();
        var idle = spent[3] + spent[4];
        var ours = Usage.OfChildren().Cpu + Environment.CpuUsage.TotalTime;
        return (all, all - idle, ours.TotalSeconds);
    }
}
