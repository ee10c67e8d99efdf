using System.Collections.Concurrent;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>
/// The lines of a receipts file about uploads to objects that have receipts in it. The line that an upload starts is on disk
/// before the first byte is sent: a push that ends there leaves no receipt that counts for an object that it overwrote.
/// </summary>
internal sealed class UploadMarks(ReceiptsFile receipts, S3ExportSinks sinks, string cellId)
{
    /// <summary>Uploads whose earlier receipts count again if nothing is stored.</summary>
    private readonly ConcurrentDictionary<(string Target, string Name), UploadMark> _reversible = new();

    /// <summary>Returns when the line that the upload starts is on disk, if the object has a receipt.</summary>
    /// <exception cref="IOException">It is not on disk.</exception>
    internal async ValueTask StartAsync(string target, string name)
    {
        var sink = sinks[target];
        var url = sink.KnownUrl(name);
        var (mark, isReversible) = Resume.StartOf(
            receipts.Receipted,
            target,
            cellId,
            name,
            sink.DestinationHint(name),
            CoreMapping.ToOption(url),
            DateTimeOffset.UtcNow
        );
        if (mark is null)
            return;

        if (isReversible)
            _reversible[(target, name)] = mark.Value;
        await receipts.AppendAsync(UploadMarkModule.ToJson(mark.Value), CancellationToken.None);
    }

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
