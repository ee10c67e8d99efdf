using System.Collections.Concurrent;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Sealing;

/// <summary>
/// The seals of one push: it collects the results, and appends a line for each target when the push ends, however that
/// ends. A process that is killed leaves no line, or a torn one, which the next push cuts off.
/// </summary>
internal sealed class RunSeals : IDisposable
{
    private readonly ExportSeal _seal;
    private readonly PushArguments _arguments;
    private readonly string _cellId;
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private readonly ConcurrentDictionary<(string Target, string Name), ExportResult> _results = new();

    private RunSeals(ExportSeal seal, PushArguments arguments, string cellId)
    {
        _cellId = cellId;
        _seal = seal;
        _arguments = arguments;
    }

    /// <summary>Opens the key and the file of seals, before anything is sent.</summary>
    /// <param name="arguments">What was asked for.</param>
    /// <param name="cellId">The cell whose evidence this is.</param>
    /// <param name="isStrict">True if strict mode refuses what is noted.</param>
    /// <param name="note">Takes a sentence for each thing that was repaired or is unusual.</param>
    /// <returns>Null if the push is not to be sealed.</returns>
    /// <exception cref="RefusedException">They cannot be used.</exception>
    internal static RunSeals? Open(PushArguments arguments, string cellId, bool isStrict, Action<string> note)
    {
        var key = arguments.Seal ?? Path(Variable.SealKey);
        if (arguments.Seals is not { } seals)
        {
            if (key is null)
                return null;
            var sentence =
                $"{Variable.SealKey} is set, and this push is not sealed. Give the file of seals with --seals, or unset the variable.";
            if (isStrict)
                throw new RefusedException(sentence);
            note(sentence);
            return null;
        }

        if (key is null)
            throw new RefusedException(
                $"--seals needs a key. Give it with --seal KEY.pem, or name it in {Variable.SealKey}."
            );
        if (arguments.Files.AllReceipts.Any(receipts => IsSame(receipts, seals)))
            throw new RefusedException(
                $"{SealFile(seals)} is a receipts file as well. Give another file with --seals."
            );
        try
        {
            var password = arguments.SealPasswordFile ?? Path(Variable.SealPasswordFile);
            return new RunSeals(ExportSeal.Open(key, seals, password, note), arguments, cellId);
        }
        catch (ExportSealException refused)
        {
            throw new RefusedException(refused.Message);
        }
    }

    /// <summary>Takes note of the result of an artifact.</summary>
    internal void Add(string target, ExportResult result) =>
        _results[(target, result.Artifact.Name)] = result;

    /// <summary>Appends the seals, and returns when they are on disk.</summary>
    /// <param name="artifacts">All that was asked for.</param>
    /// <param name="done">What was left out, since it has a receipt already.</param>
    /// <param name="takenBack">The receipts that may be another artifact's.</param>
    /// <param name="isComplete">True if each artifact has ended.</param>
    /// <param name="note">Takes the head of the file, or what is not sealed and why.</param>
    /// <returns>True if all is sealed.</returns>
    internal async Task<bool> FinishAsync(
        IEnumerable<PlannedArtifact> artifacts,
        IReadOnlySet<PlannedArtifact> done,
        IEnumerable<ExportReceipt> takenBack,
        bool isComplete,
        Action<string> note
    )
    {
        foreach (var receipt in takenBack)
            TakeBack(receipt);
        var runId = _arguments.RunId ?? Guid.CreateVersion7().ToString();
        var finishedAt = DateTimeOffset.UtcNow;
        try
        {
            ExportSealHead? head = null;
            foreach (var group in artifacts.GroupBy(artifact => artifact.Target, StringComparer.Ordinal))
                head = await _seal.AppendAsync(
                    new ExportSealRun
                    {
                        RunId = runId,
                        CellId = _cellId,
                        // The default sink has no name.
                        TargetName = group.Key.Length == 0 ? "default" : group.Key,
                        StartedAt = _startedAt,
                        FinishedAt = finishedAt,
                        IsInterrupted = !isComplete,
                        Planned = group.Count(),
                        Skipped = group.Count(done.Contains),
                        Results = [.. ResultsOf(group.Key)],
                    }
                );
            if (head is not null && !_arguments.Quiet)
                note($"The run is sealed. The head of {SealFile(_arguments.Seals!)} is {head}.");
            return true;
        }
        catch (Exception exception) when (exception is ExportSealException or ArgumentException)
        {
            note($"The run is not sealed, or not for all targets. {Shown.Sentence(exception.Message)}");
            note(
                "The receipts are as they were written. To seal them, export again without --resume: a seal states what its own run stored."
            );
            return false;
        }
    }

    public void Dispose() => _seal.Dispose();

    private IEnumerable<ExportResult> ResultsOf(string target) =>
        _results
            .Where(item => item.Key.Target == target)
            .OrderBy(item => item.Key.Name, StringComparer.Ordinal)
            .Select(item => item.Value);

    /// <summary>A receipt that may be false is a failure: the object is stored, and may be another artifact's.</summary>
    private void TakeBack(ExportReceipt receipt)
    {
        var key = (receipt.TargetName ?? "", receipt.ArtifactName);
        if (_results.TryGetValue(key, out var result))
            _results[key] = new ExportResult(
                result.Artifact,
                new ExportException(
                    ExportFailureKind.UrlUnusable,
                    "The receipt was taken back: the URL command wrote more lines than it was asked for, so that the object may be another artifact's."
                )
                {
                    IsRedacted = true,
                    CellId = receipt.CellId,
                    ArtifactName = receipt.ArtifactName,
                    TargetName = receipt.TargetName,
                    Destination = receipt.Destination,
                    Attempts = receipt.Attempts,
                    MayBeStored = true,
                }
            );
    }

    /// <summary>The path that a variable names; null if it is unset or blank.</summary>
    private static string? Path(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } value && !string.IsNullOrWhiteSpace(value)
            ? value.Trim()
            : null;

    private static bool IsSame(string receipts, string seals) =>
        System.IO.Path.GetFullPath(receipts) == System.IO.Path.GetFullPath(seals)
        || (FileIdentity.OfTarget(receipts) is { } identity && identity == FileIdentity.OfTarget(seals));

    private static string SealFile(string path) => $"'{Shown.Short(200, path)}'";
}
