using System.Collections.Concurrent;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Receipts;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// The receipts of artifacts whose URLs a command gave, and whose destinations were not compared. A command that writes more
/// lines than it was asked for may have given them the URLs of others.
/// </summary>
internal sealed class CommandUrls(S3ExportSinks sinks, UploadMarks? marks)
{
    private readonly ConcurrentDictionary<(string Target, string Name), ExportReceipt> _unchecked = new();
    private readonly List<ExportReceipt> _takenBack = [];
    private readonly HashSet<string> _targets = [.. sinks.Keys.Where(sinks.AsksCommand)];

    /// <summary>The receipts that were taken back.</summary>
    internal IReadOnlyCollection<ExportReceipt> TakenBack => _takenBack;

    /// <summary>Takes note of a receipt.</summary>
    internal void Exported(ExportReceipt receipt)
    {
        if (!receipt.DestinationChecked && receipt.TargetName is { } target && _targets.Contains(target))
            _unchecked[(target, receipt.ArtifactName)] = receipt;
    }

    /// <summary>Ends the commands, and takes back the receipts that may be false.</summary>
    /// <returns>What is wrong; null if nothing is.</returns>
    /// <exception cref="IOException">The receipts file cannot be written.</exception>
    internal async Task<string?> FinishAsync()
    {
        if (_targets.Count == 0)
            return null;
        var taken = new List<string>();
        foreach (var request in await Task.Run(sinks.FinishCommands))
        {
            if (!_unchecked.TryRemove((request.Target?.Value ?? "", request.ArtifactName), out var receipt))
                continue;
            _takenBack.Add(receipt);
            taken.Add($"{receipt.ArtifactName} ({receipt.TargetName})");
            if (marks is not null)
                await marks.TakeBackAsync(receipt);
        }

        return taken.Count == 0
            ? null
            : $"The URL command wrote more lines than it was asked for, so that these receipts may be false: {ShownNames.Names(taken)}. {(marks is null ? "Do not rely on them. " : "A line in the receipts file takes them back. ")}Correct the command: it writes one line for each request, with the artifactName of the request; then export them again.";
    }
}
