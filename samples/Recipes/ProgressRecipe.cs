using CellOS.Export;
using CellOS.Export.S3;

namespace Recipes;

internal static class ProgressRecipe
{
    internal static async Task<ExportReceipt> PushAsync(PresignedS3ExportSink sink, string path)
    {
        // <doc>
        var progress = new Progress<ExportProgress>(report =>
            Console.Error.WriteLine($"{report.ArtifactName}: {report.BytesSent} of {report.Length} bytes")
        );
        var receipt = await sink.PushAsync(new ExportArtifact("core.dump", path), progress);
        // </doc>
        return receipt;
    }
}
