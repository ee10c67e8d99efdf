using CellOS.Export;
using CellOS.Export.S3;

namespace Recipes;

internal static class SpoolRecipe
{
    internal static async Task ExportAsync(
        IExportSink inner,
        string cellId,
        string report,
        Func<string, Task> saveReceipt,
        CancellationToken cancellation
    )
    {
        // <doc>
        var sink = new SpoolingExportSink(
            inner,
            new SpoolingExportSinkOptions { Folder = "/var/spool/cellos", CellId = cellId } // the target is that of inner
        );
        try
        {
            var receipt = await sink.PushAsync("report.json", report, cancellationToken: cancellation);
            await saveReceipt(receipt.ToJson());
        }
        catch (ExportException failure) when (failure.IsSpooled)
        {
            Console.Error.WriteLine(failure.Message); // the copy is complete and on disk: the report may go
        }

        // Later, in any process: each entry is removed when its receipt has been saved.
        var options = new ExportBatchOptions
        {
            OnCompleted = async (result, _) =>
            {
                if (result.IsExported)
                    await saveReceipt(result.Receipt.ToJson());
            },
        };
        await foreach (var result in sink.DrainAsync(options, cancellation))
            Console.WriteLine(result.ToJson());
        // </doc>
    }
}
