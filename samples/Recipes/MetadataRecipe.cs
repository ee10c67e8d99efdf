using CellOS.Export;

namespace Recipes;

internal static class MetadataRecipe
{
    internal static async Task<ExportReceipt> PushAsync(IExportSink sink, string path, string run)
    {
        // <doc>
        var metadata = new ExportArtifactMetadata
        {
            ContentType = "application/json",
            Headers = new Dictionary<string, string> { ["x-amz-meta-run"] = run }, // signed with it
        };
        var receipt = await sink.PushAsync("report.json", path, metadata);
        // </doc>
        return receipt;
    }
}
