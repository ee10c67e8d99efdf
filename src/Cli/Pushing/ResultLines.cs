using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
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
    ExportEventContext context,
    ReceiptsFile? receipts,
    IPushDisplay display
)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<string> _homeless = new();
    private int _failed;
    private int _spooled;
    private int _warned;

    /// <summary>True if any artifact was not exported, and is not kept in a spool either.</summary>
    internal bool AnyFailed => Volatile.Read(ref _failed) > 0;

    /// <summary>True if any artifact was not exported, and is kept in a spool.</summary>
    internal bool AnySpooled => Volatile.Read(ref _spooled) > 0;

    /// <summary>
    /// The JSON of the receipts that are neither in the receipts file nor on standard output although they belong there: the
    /// objects are stored.
    /// </summary>
    internal IReadOnlyCollection<string> Homeless => _homeless;

    /// <summary>Returns when the receipt, if there is one, is on disk.</summary>
    /// <param name="label">What the display calls the artifact.</param>
    /// <param name="result">What came of it.</param>
    /// <exception cref="IOException">The receipt is not on disk, or standard output cannot be written.</exception>
    internal async ValueTask AddAsync(string label, ExportResult result)
    {
        var unwritten = await AppendAsync(result);
        var untold = Tell(label, result);
        if (result.IsExported)
            Exported(label, result.Receipt, unwritten is not null, untold is not null);
        else if (result.IsSpooled)
        {
            Interlocked.Increment(ref _spooled);
            display.Spooled(label, result.Failure.Reason);
        }
        else
        {
            Interlocked.Increment(ref _failed);
            display.Failed(label, result.Failure.Reason);
        }

        if ((untold ?? unwritten) is { } lost)
            ExceptionDispatchInfo.Throw(lost);
    }

    /// <summary>Writes the receipt to the receipts file.</summary>
    /// <returns>Why it is not on disk; null if it is, or is not meant to be.</returns>
    private async ValueTask<IOException?> AppendAsync(ExportResult result)
    {
        if (!result.IsExported || receipts is null)
            return null;
        try
        {
            // An interruption does not keep the receipt of what is stored from being written.
            await receipts.AppendAsync(result.Receipt.ToJson(), CancellationToken.None);
            return null;
        }
        catch (IOException exception)
        {
            return exception;
        }
    }

    /// <summary>Writes the result to standard output.</summary>
    /// <returns>Why it is not there; null if it is, or is not meant to be.</returns>
    private IOException? Tell(string label, ExportResult result)
    {
        var line = results switch
        {
            ResultsKind.Json => (format ?? default).Line(result, DateTimeOffset.UtcNow, context),
            ResultsKind.Lines => ForPeople(label, result),
            _ => null,
        };
        if (line is null)
            return null;
        try
        {
            lock (_gate)
            {
                output.WriteLine(line);
            }

            return null;
        }
        catch (IOException exception)
        {
            return exception;
        }
    }

    private void Exported(string label, ExportReceipt receipt, bool isUnwritten, bool isUntold)
    {
        display.Exported(label, receipt.BytesWritten);
        var isOnOutput = results == ResultsKind.Json && (format ?? default) == ResultFormat.Json && !isUntold;
        if (isUnwritten || (receipts is null && isUntold))
        {
            display.Unwritten();
            if (!isOnOutput)
                _homeless.Enqueue(receipt.ToJson());
        }

        if (receipt.Warning is { } warning && Interlocked.Exchange(ref _warned, 1) == 0)
            display.Note($"{warning} Further warnings of this kind are not shown.");
    }

    private static string ForPeople(string label, ExportResult result) =>
        Core.Shown.Sentence(
            result.IsExported
                ? $"exported {label} ({Amounts.Bytes(result.Receipt.BytesWritten)}) to {result.Receipt.Destination}"
            : result.IsSpooled ? $"spooled {label}: {result.Failure.Reason}"
            : $"failed {label}: {result.Failure.Reason}"
        );
}
