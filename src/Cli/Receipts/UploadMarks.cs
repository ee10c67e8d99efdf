using System.Collections.Concurrent;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>
/// The lines of a receipts file about uploads to objects that have receipts in it. The line that an upload starts is on disk
/// before the first byte is sent: a push that ends there leaves no receipt that counts for an object that it overwrote.
/// </summary>
/// <param name="receipts">The file.</param>
/// <param name="sinks">The sinks of the push.</param>
/// <param name="cellId">The cell whose evidence this is.</param>
/// <param name="shared">The destinations that several targets of the push write to.</param>
internal sealed class UploadMarks(
    ReceiptsFile receipts,
    ExportSinks sinks,
    string cellId,
    IReadOnlySet<string> shared
)
{
    private readonly Lock _gate = new();

    /// <summary>Uploads whose earlier receipts count again if nothing is stored.</summary>
    private readonly ConcurrentDictionary<(string Target, string Name), UploadMark> _reversible = new();

    /// <summary>Returns when the line that the upload starts is on disk, if the object has a receipt.</summary>
    /// <exception cref="IOException">It is not on disk.</exception>
    internal async ValueTask StartAsync(string target, string name)
    {
        var sink = sinks.Of(target);
        var url = sink.KnownUrl(name);
        UploadMark mark;
        lock (_gate)
        {
            if (
                Resume.StartOf(
                    receipts.Receipted,
                    target,
                    cellId,
                    name,
                    sink.DestinationHint(name),
                    CoreMapping.ToOption(url),
                    DateTimeOffset.UtcNow
                )
                is not { Value: var started }
            )
                return;
            mark = started;
        }

        _reversible[(target, name)] = mark;
        await receipts.AppendAsync(UploadMarkModule.ToJson(mark), CancellationToken.None);
    }

    /// <summary>Takes note of a receipt that a later target of this push may take back.</summary>
    internal void Exported(ExportReceipt receipt)
    {
        if (!shared.Contains(receipt.Destination))
            return;
        lock (_gate)
        {
            Resume.Add(receipts.Receipted, CoreMapping.ToCore(receipt));
        }
    }

    /// <summary>Takes back the receipt of an artifact of this push, which may be another artifact's.</summary>
    /// <exception cref="IOException">The line is not on disk.</exception>
    internal async ValueTask TakeBackAsync(ExportReceipt receipt) =>
        await receipts.AppendAsync(
            UploadMarkModule.ToJson(
                new UploadMark(
                    UploadState.Started,
                    receipt.TargetName ?? "",
                    receipt.Destination,
                    receipt.CellId,
                    receipt.ArtifactName,
                    CoreMapping.ToOption(receipt.ObjectUrl),
                    DateTimeOffset.UtcNow
                )
            ),
            CancellationToken.None
        );

    /// <summary>Returns when the line that nothing was stored is on disk, where that is certain.</summary>
    /// <exception cref="IOException">It is not on disk.</exception>
    internal async ValueTask FailAsync(string target, string name, ExportException failure)
    {
        if (!failure.MayBeStored && _reversible.TryRemove((target, name), out var mark))
            await receipts.AppendAsync(
                UploadMarkModule.ToJson(
                    new UploadMark(
                        UploadState.NotStored,
                        mark.TargetName,
                        mark.Destination,
                        mark.CellId,
                        mark.ArtifactName,
                        mark.ObjectUrl,
                        DateTimeOffset.UtcNow
                    )
                ),
                CancellationToken.None
            );
    }
}
