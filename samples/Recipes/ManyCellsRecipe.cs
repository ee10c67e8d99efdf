using CellOS.Export;
using CellOS.Export.S3;

namespace Recipes;

internal static class ManyCellsRecipe
{
    internal static async Task ExportAsync(
        S3ExportSpec spec,
        string cellId,
        IEnumerable<ExportArtifact> artifacts
    )
    {
        // <doc>
        using var sinks = S3ExportSinks.Create(spec, cellId); // reads the environment and the manifests anew
        await foreach (var result in sinks["artifact-bucket"].PushManyAsync(artifacts))
            Console.WriteLine(result.ToJson());
        // </doc>
    }
}
