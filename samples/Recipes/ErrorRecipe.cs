using CellOS.Export;

namespace Recipes;

internal enum Next
{
    Done,
    PresignAnew,
    TryLater,
    CallSomebody,
}

internal static class ErrorRecipe
{
    internal static async Task<Next> PushAsync(IExportSink sink, string path, CancellationToken cancellation)
    {
        // <doc>
        try
        {
            await sink.PushAsync("report.json", path, cancellationToken: cancellation);
            return Next.Done;
        }
        catch (ExportException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return failure.Kind switch
            {
                ExportFailureKind.UrlExpired => Next.PresignAnew,
                ExportFailureKind.Unavailable
                or ExportFailureKind.Unreachable
                or ExportFailureKind.TimedOut
                or ExportFailureKind.DeadlineExceeded => Next.TryLater,
                _ => Next.CallSomebody,
            };
        }
        // </doc>
    }
}
