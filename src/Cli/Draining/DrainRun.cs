using System.Collections.Concurrent;
using System.Runtime.Versioning;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Receipts;
using CellOS.Export.S3.Cli.Sealing;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Spooling;

namespace CellOS.Export.S3.Cli.Draining;

/// <summary>The drain itself: spool by spool, cell by cell, several artifacts at once.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DrainRun(
    DrainPlan plan,
    PushArguments arguments,
    ResultLines lines,
    ReceiptsFile? receipts,
    IPushDisplay display
)
{
    private bool _hasBegun;
    private readonly ConcurrentDictionary<string, bool> _noted = new(StringComparer.Ordinal);

    /// <summary>True if something is wrong besides artifacts that failed: receipts, seals, entries that cannot be removed.</summary>
    internal bool AnyProblem { get; private set; }

    /// <exception cref="RefusedException">Nothing can be exported; nothing was sent.</exception>
    /// <exception cref="IOException">Receipts or results cannot be written any more; no further artifact was begun.</exception>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        if (plan.Left > 0)
            display.Note($"{ShownNames.Artifacts(plan.Left)} of other cells or targets stay in the spool.");
        foreach (var (drain, item) in plan.Refused)
        {
            var refusal = ((DrainStep.Refuse)item.Step).Item;
            var artifact = drain.Artifact(item);
            await lines.AddAsync(
                Core.Shown.Artifact(item.Note is null ? item.Entry : artifact.Name),
                new ExportResult(artifact, SpoolDrain.Failure(item, refusal))
            );
        }

        var sentences = new List<string>();
        foreach (var part in plan.Parts)
        {
            try
            {
                await RunAsync(part, cancellationToken);
            }
            catch (RefusedException refused)
            {
                sentences.AddRange(refused.Sentences);
            }
        }

        // A refusal says that nothing was sent.
        if (sentences.Count > 0 && !_hasBegun)
            throw new RefusedException(sentences);
        foreach (var sentence in sentences)
            Report(sentence);
    }

    private async Task RunAsync(DrainPart part, CancellationToken cancellationToken)
    {
        using var log = new CommandLog { Note = display.Note };
        using var sinks = ExportSinks.Create(part.Configuration, null, log, spools: false);
        foreach (var finding in part.Configuration.Findings)
            if (finding.IsWarning && !arguments.Quiet)
                NoteOnce(finding.ToString());
        var artifacts = await FitAsync(part, sinks);
        using var seals = RunSeals.Open(arguments, part.CellId, part.Configuration.IsStrict, NoteOnce);
        var shared = new SharedDestinations(
            sinks.Places > 1
                ? artifacts.Select(artifact => sinks.Of(artifact.Target).DestinationHint(artifact.Name))
                : []
        );
        var marks = receipts is null ? null : new UploadMarks(receipts, sinks, part.CellId, shared.All);
        var commands = new CommandUrls(sinks.S3, marks);
        var waiting = new ConcurrentQueue<(string Target, ExportReceipt Receipt)>();
        var run = new PushRun(sinks, lines, marks, display, arguments)
        {
            SinkOf = target => new DrainingSink(sinks.Of(target), target, part, plan.Scope, marks),
            // Of an entry with the receipt of a later export, no upload starts: the sink knows.
            Starting = null,
            Ended = (target, result) => seals?.Add(target, result),
            Exported = receipt =>
            {
                shared.Exported(receipt);
                commands.Exported(receipt);
                marks?.Exported(receipt);
                var target = receipt.TargetName ?? "";
                // A command that is found to mislead takes its receipts back.
                if (!receipt.DestinationChecked && sinks.S3.AsksCommand(target))
                    waiting.Enqueue((target, receipt));
                else
                    Complete(part, target, receipt);
            },
        };
        var isComplete = false;
        try
        {
            await run.RunAsync(artifacts, new HashSet<PlannedArtifact>(), cancellationToken);
            isComplete = true;
        }
        finally
        {
            _hasBegun |= run.HasBegun;
            if (await commands.FinishAsync() is { } misled)
                Report(misled);
            foreach (var (target, receipt) in waiting)
                if (!commands.TakenBack.Contains(receipt))
                    Complete(part, target, receipt);
            foreach (var sentence in shared.Problems)
                Report(sentence);
            if (
                seals is not null
                && run.HasBegun
                && !await seals.FinishAsync(
                    artifacts,
                    new HashSet<PlannedArtifact>(),
                    commands.TakenBack,
                    isComplete,
                    display.Note
                )
            )
                AnyProblem = true;
        }
    }

    /// <summary>Reports artifacts that have no address in their targets, and returns the others.</summary>
    private async Task<IReadOnlyList<PlannedArtifact>> FitAsync(DrainPart part, ExportSinks sinks)
    {
        var fit = new List<PlannedArtifact>();
        foreach (var artifact in part.Artifacts)
        {
            try
            {
                _ = sinks.Of(artifact.Target).DestinationHint(artifact.Name);
                fit.Add(artifact);
            }
            catch (ArgumentException exception)
            {
                var item = part.ItemOf(artifact.Target, artifact.Name);
                var refusal = Drain.Unfit(RefusedException.Of(exception).Message);
                await lines.AddAsync(
                    Core.Shown.Artifact(artifact.Name),
                    new ExportResult(part.Drain.Artifact(item), SpoolDrain.Failure(item, refusal))
                );
            }
        }

        return fit;
    }

    /// <summary>Removes an entry whose receipt is written.</summary>
    private void Complete(DrainPart part, string target, ExportReceipt receipt)
    {
        if (part.Drain.Complete(part.ItemOf(target, receipt.ArtifactName).Entry) is { } stays)
            Report(
                $"'{Core.Shown.Fitted(200, receipt.ArtifactName)}' is exported and still in the spool. {stays.Message}"
            );
    }

    private void Report(string sentence)
    {
        AnyProblem = true;
        display.Note(sentence);
    }

    private void NoteOnce(string sentence)
    {
        if (_noted.TryAdd(sentence, true))
            display.Note(sentence);
    }
}
