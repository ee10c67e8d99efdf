namespace CellOS.Export.S3.Bench.Plot;

internal static class PlotCommand
{
    internal static int Run(string json, string svg) => throw new FailedException($"{json} {svg}");
}
