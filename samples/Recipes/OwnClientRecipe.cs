using CellOS.Export.S3;

namespace Recipes;

internal static class OwnClientRecipe
{
    internal static PresignedS3ExportSink Create(PresignedS3ExportSinkOptions options)
    {
        // <doc>
        var handler = PresignedS3ExportSink.CreateHandler(options);
        handler.MaxConnectionsPerServer = 8;
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var sink = new PresignedS3ExportSink(options, client); // the client stays yours
        // </doc>
        return sink;
    }
}
