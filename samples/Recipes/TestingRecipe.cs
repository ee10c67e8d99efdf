using CellOS.Export;
using CellOS.Export.Testing;

namespace Recipes;

/// <summary>The code under test: it exports a report, and says whether that has a receipt.</summary>
internal sealed class Reporter(IExportSink sink)
{
    internal async Task<bool> ReportAsync(string path)
    {
        try
        {
            await sink.PushAsync("report.json", path);
            return true;
        }
        catch (ExportException)
        {
            return false;
        }
    }
}

internal static class TestingRecipe
{
    internal static async Task TestAsync(string path, Action<bool> assert)
    {
        // <doc>
        var sink = new FakeExportSink();
        assert(await new Reporter(sink).ReportAsync(path)); // the code under test
        assert(sink.Pushed.Single().Name == "report.json");
        assert(sink.Receipts.Single().BytesWritten == new FileInfo(path).Length);

        sink.FailureOf = name => ExportFailureKind.Unavailable;
        assert(!await new Reporter(sink).ReportAsync(path));

        // A receipt or a failure by itself:
        var receipt = FakeReceipt.Of("report.json", "{}"u8) with
        {
            Integrity = "unverified",
        };
        var failure = new ExportException(ExportFailureKind.TimedOut, "No response came.");
        // </doc>
        assert(receipt.BytesWritten == 2 && failure.Kind == ExportFailureKind.TimedOut);
    }
}
