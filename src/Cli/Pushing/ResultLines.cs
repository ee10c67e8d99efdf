using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Receipts;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// What becomes known of each artifact as it ends: its receipt in the receipts file first, then a line on standard
/// output, then the display. Several workers call at once.
/// </summary>
internal sealed class ResultLines(
    TextWriter output,
    ResultsKind results,
    ResultFormat? format,
    ReceiptsFile? receipts,
    IPushDisplay display
)
{
    private readonly Lock _gate = new();
    private int _failed;
    private int _warned;

    /// <summary>Whether any artifact was not exported.</summary>
    internal bool AnyFailed => Volatile.Read(ref _failed) > 0;

    /// <summary>Returns when the receipt, if there is one, is on disk.</summary>
    /// <param name="label">What the display calls the artifact.</param>
    /// <param name="result">What came of it.</param>
    /// <exception cref="IOException">The receipt is not on disk, or standard output cannot be written.</exception>
    internal async ValueTask AddAsync(string label, ExportResult result)
    {
        var line = results switch
        {
            ResultsKind.Json => (format ?? default).Line(result, DateTimeOffset.UtcNow),
            ResultsKind.Lines => ForPeople(label, result),
            _ => null,
        };
        try
        {
            // An interruption does not keep the receipt of what is stored from being written.
            if (result.IsExported && receipts is not null)
                await receipts.AppendAsync(result.Receipt.ToJson(), CancellationToken.None);
        }
        finally
        {
            if (line is not null)
            {
                lock (_gate)
                {
                    output.WriteLine(line);
                }
            }
        }

        if (result.IsExported)
        {
            display.Exported(label, result.Receipt.BytesWritten);
            if (result.Receipt.Warning is { } warning && Interlocked.Exchange(ref _warned, 1) == 0)
                display.Note($"{warning} Further warnings of this kind are not shown.");
            return;
        }

        Interlocked.Increment(ref _failed);
        display.Failed(label, result.Failure.Reason);
    }

    private static string ForPeople(string label, ExportResult result) =>
        Core.Shown.Sentence(
            result.IsExported
                ? $"exported {label} ({Amounts.Bytes(result.Receipt.BytesWritten)}) to {result.Receipt.Destination}"
                : $"failed {label}: {result.Failure.Reason}"
        );
}
