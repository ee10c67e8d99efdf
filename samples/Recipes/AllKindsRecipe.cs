using CellOS.Export;
using CellOS.Export.S3;

namespace Recipes;

internal static class AllKindsRecipe
{
    internal static async Task ExportAsync(string specFile, string report, CancellationToken cancellation)
    {
        // <doc>
        using var sinks = ExportSinks.Create(ExportSpec.Load(specFile)); // the spec names the cell
        foreach (var (target, sink) in sinks)
        {
            var receipt = await sink.PushAsync("report.json", report, cancellationToken: cancellation);
            Console.WriteLine($"{target} ({receipt.TargetKind}): {receipt.Destination}");
        }
        // </doc>
    }
}
