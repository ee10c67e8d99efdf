using System.Collections.Concurrent;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// The destinations that several targets write the same file to. A file that changes meanwhile has two receipts with different
/// content for one address.
/// </summary>
internal sealed class SharedDestinations
{
    private readonly ConcurrentDictionary<string, ExportReceipt> _first = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _problems = new();

    /// <param name="destinations">The destinations of the whole push.</param>
    internal SharedDestinations(IEnumerable<string> destinations) =>
        All = destinations
            .GroupBy(destination => destination, StringComparer.Ordinal)
            .Where(group => group.Skip(1).Any())
            .Select(group => group.Key)
            .ToHashSet(StringComparer.Ordinal);

    /// <summary>The destinations.</summary>
    internal IReadOnlySet<string> All { get; }

    /// <summary>A sentence for each destination with several contents.</summary>
    internal IReadOnlyCollection<string> Problems => _problems;

    /// <summary>Compares a receipt with the first one of its destination.</summary>
    internal void Exported(ExportReceipt receipt)
    {
        if (!All.Contains(receipt.Destination))
            return;
        var first = _first.GetOrAdd(receipt.Destination, receipt);
        if (first.Sha256 != receipt.Sha256)
            _problems.Enqueue(
                $"'{Core.Shown.Fitted(200, receipt.ArtifactName)}' changed while it was exported: the targets '{first.TargetName}' and '{receipt.TargetName}' have receipts of different content for {Core.Shown.Short(500, receipt.Destination)}, and the hosts may be of one store. Do not rely on the first receipt; export the file again when no program writes to it."
            );
    }
}
