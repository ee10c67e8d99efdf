using CellOS.Export;
using CellOS.Export.S3;

namespace Recipes;

internal static class SealRecipe
{
    internal static async Task ExportAsync(
        PresignedS3ExportSink sink,
        string cellId,
        IEnumerable<ExportArtifact> artifacts
    )
    {
        // <doc>
        using var seal = ExportSeal.Open("key.pem", "seals.jsonl", note: Console.Error.WriteLine);
        var startedAt = DateTimeOffset.UtcNow;
        var results = new List<ExportResult>();
        await foreach (var result in sink.PushManyAsync(artifacts))
            results.Add(result);
        var head = await seal.AppendAsync(
            new ExportSealRun
            {
                CellId = cellId,
                TargetName = "artifact-bucket",
                StartedAt = startedAt,
                FinishedAt = DateTimeOffset.UtcNow,
                Results = results,
            }
        );
        Console.WriteLine($"sealed: {head}"); // such as 3:9f86d081884c…
        // </doc>
    }
}
