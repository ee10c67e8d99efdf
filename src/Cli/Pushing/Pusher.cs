using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Receipts;
using CellOS.Export.S3.Cli.Sealing;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary><c>push</c>: everything that can be refused is refused before the first request.</summary>
internal static class Pusher
{
    /// <returns>The exit code.</returns>
    /// <exception cref="RefusedException">Command or configuration cannot be used; nothing was sent.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted, and ended cleanly.</exception>
    internal static async Task<int> RunAsync(
        PushArguments arguments,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellationToken
    )
    {
        if (Configured.ProblemOfCellId(arguments.CellId) is { } noCell)
            throw new RefusedException(noCell.ToString());
        OpenSsl.Require();
        using var log = new CommandLog();
        var (bundle, sinks) = await Interruptibly(() => Prepare(arguments, log), cancellationToken);
        using (sinks)
        {
            var cellId = CellIdModule.Value(sinks.Configuration.Cell!);
            var addressed = Addresses.Of(bundle, sinks);
            var none = new HashSet<PlannedArtifact>();
            if (!arguments.Resume)
                Preflight.Check(bundle, none, sinks, arguments);
            var shown = PushDisplay.Choose(
                Surroundings.Of(arguments.Quiet, wantsJson: arguments.Format is not null)
            );
            await using var display = shown.Open(arguments.Shard);
            log.Note = display.Note;
            using var seals = await Interruptibly(
                () => RunSeals.Open(arguments, cellId, sinks.Configuration.IsStrict, display.Note),
                cancellationToken
            );
            await using var receipts = arguments.Receipts is { } path
                ? await Interruptibly(
                    () =>
                        ReceiptsFile.Open(
                            path,
                            arguments.OtherReceipts,
                            arguments.AcceptUnverified,
                            display.Note
                        ),
                    cancellationToken
                )
                : null;
            foreach (var note in bundle.Notes.Concat(Warnings(sinks, arguments.Quiet)))
                display.Note(note);

            var places = new SkippedPlaces();
            var done =
                arguments.Resume && receipts is not null
                    ? await Resumption.FindDoneAsync(
                        receipts.Receipted,
                        cellId,
                        addressed,
                        artifact => sinks.Of(artifact.Target).KnownUrl(artifact.Name),
                        places,
                        display.Note,
                        arguments.Concurrency,
                        cancellationToken
                    )
                    : none;
            if (arguments.Resume)
                Preflight.Check(bundle, done, sinks, arguments);
            if (receipts is not null)
                foreach (
                    var sentence in Preflight.Overwritten(
                        receipts.Receipted,
                        addressed.Where(item => !done.Contains(item.Artifact)),
                        sinks,
                        cellId
                    )
                )
                    display.Note(sentence);
            foreach (var sentence in places.Before())
                display.Note(sentence);
            if (bundle.Artifacts.Count == 0 && !bundle.HasOtherShards)
                display.Note(
                    "Nothing was exported: the PATHs contain no file. Check that the files were written, and that the PATHs are right."
                );
            var context = new ExportEventContext
            {
                SpecId = bundle.Spec.Id,
                RunId = arguments.RunId,
                Provenance = arguments.Provenance,
            };
            var lines = new ResultLines(output, shown.Results, arguments.Format, context, receipts, display);
            FailureRehearsal.Run(arguments.Format);
            var atOnce = OpenFiles.Fit(arguments.Concurrency, display.Note);
            var shared = new SharedDestinations(
                sinks.Places > 1 ? addressed.Select(item => item.Destination) : []
            );
            var marks = receipts is null ? null : new UploadMarks(receipts, sinks, cellId, shared.All);
            var commands = new CommandUrls(sinks.S3, marks);
            string? misled = null;
            var run = new PushRun(sinks, lines, marks, display, arguments with { Concurrency = atOnce })
            {
                Ended = (target, result) => seals?.Add(target, result),
                Exported = receipt =>
                {
                    shared.Exported(receipt);
                    commands.Exported(receipt);
                    places.Exported(receipt.TargetName ?? "", receipt);
                    marks?.Exported(receipt);
                },
            };
            IReadOnlyList<string> changes = [];
            var isComplete = false;
            var isSealed = true;
            var ending = new RunEnding(error, receipts, lines, display);
            if (
                !await ending.GuardAsync(
                    async () =>
                    {
                        try
                        {
                            await run.RunAsync(bundle.Artifacts, done, cancellationToken);
                            isComplete = true;
                        }
                        finally
                        {
                            await SayWhatIsFalse();
                        }

                        if (receipts is not null)
                            await receipts.CompleteAsync();
                        changes = bundle.Changes();
                    },
                    cancellationToken
                )
            )
                return ExitCode.Failed;

            foreach (var change in changes)
                display.Note(change);
            foreach (var sentence in places.After())
                display.Note(sentence);
            return ending.ExitCodeOf(
                anyProblem: misled is not null
                    || !isSealed
                    || shared.Problems.Count > 0
                    || changes.Count > 0 && sinks.Configuration.IsStrict
            );

            // Also of a push that is interrupted: its receipts are read as well.
            async Task SayWhatIsFalse()
            {
                try
                {
                    misled = await commands.FinishAsync();
                    if (misled is not null)
                        display.Note(misled);
                    foreach (var sentence in shared.Problems)
                        display.Note(sentence);
                }
                finally
                {
                    // Also of a push that is interrupted. Without a seal, its receipts stay as they are.
                    if (seals is not null && run.HasBegun)
                        isSealed = await seals.FinishAsync(
                            bundle.Artifacts,
                            done,
                            commands.TakenBack,
                            isComplete,
                            display.Note
                        );
                    await ending.SayHomelessAsync(
                        "Save these lines; append them to the receipts file once it can be written."
                    );
                }
            }
        }
    }

    /// <summary>
    /// Files may be large, and a pipe in place of one may never give anything: who interrupts that does not wait for it.
    /// The process ends then, and what was begun ends with it, which is no worse than a kill.
    /// </summary>
    private static Task<T> Interruptibly<T>(Func<T> work, CancellationToken cancellationToken) =>
        Task.Run(work, cancellationToken).WaitAsync(cancellationToken);

    private static (PushBundle, ExportSinks) Prepare(PushArguments arguments, CommandLog log)
    {
        try
        {
            var spec = Configured.Load(arguments.Spec, arguments.Target, out var note);
            var cellId = Configured.CellId(arguments.CellId, spec, "push");
            var bundle = PushBundle.Gather(spec, arguments);
            if (note is not null)
                bundle = bundle with { Notes = [.. bundle.Notes, note] };
            var configuration = S3ExportConfiguration.Resolve(bundle.Spec, cellId);
            SpoolPlaces.Require(configuration, arguments.Paths, bundle.Artifacts);
            if (configuration.IsStrict && bundle.StrictProblems is { Count: > 0 } problems)
                throw new RefusedException(problems);
            return (bundle, ExportSinks.Create(configuration, null, log));
        }
        catch (S3ExportConfigurationException refused)
        {
            throw new RefusedException([.. refused.Problems.Select(problem => problem.ToString())]);
        }
    }

    /// <summary>
    /// The warnings; with --quiet, only those of artifacts that the spec seems to list and nothing exports. And the URLs of
    /// a manifest that no artifact uses, since evidence may be missing.
    /// </summary>
    private static IEnumerable<string> Warnings(ExportSinks sinks, bool quiet) =>
        sinks
            .Configuration.Findings.Where(finding =>
                finding.Id == FindingId.ManifestUnused
                || finding.IsWarning
                    && (
                        !quiet
                        || finding.Target is null
                            && SpecReader.LeavesArtifactsOut(finding.Id, finding.Variable)
                    )
            )
            .Select(finding => finding.ToString());
}
