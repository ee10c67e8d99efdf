using System.Runtime.Versioning;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Receipts;
using CellOS.Export.S3.Cli.Streams;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Spooling;

namespace CellOS.Export.S3.Cli.Draining;

/// <summary><c>drain</c>: exports what spools keep. An entry is removed when the receipt of its artifact is written.</summary>
internal static class Drainer
{
    /// <returns>The exit code.</returns>
    /// <exception cref="RefusedException">Command or configuration cannot be used; nothing was sent.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted, and ended cleanly.</exception>
    internal static async Task<int> RunAsync(
        DrainArguments arguments,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellationToken
    )
    {
        if (!OperatingSystem.IsLinux())
            throw new RefusedException("drain needs Linux, as a spool does.");
        if (Configured.ProblemOfCellId(arguments.Run.CellId) is { } noCell)
            throw new RefusedException(noCell.ToString());
        if (arguments.Run.Receipts is null && ShownOf(arguments.Run).Results != ResultsKind.Json)
            throw new RefusedException(
                "drain removes an artifact from the spool when its receipt is written, and a terminal gets no receipts. Give --receipts FILE to keep the receipts, or --json to write them to standard output."
            );
        OpenSsl.Require();
        using var plan = DrainPlan.Make(arguments, cancellationToken);
        return await RunAsync(plan, arguments.Run, output, error, cancellationToken);
    }

    private static PushDisplay ShownOf(PushArguments arguments) =>
        PushDisplay.Choose(Surroundings.Of(arguments.Quiet, wantsJson: arguments.Format is not null));

    /// <summary>Reports what is in the spools after the drain. The receipts are written, whatever comes of it.</summary>
    [SupportedOSPlatform("linux")]
    private static void SayWhatIsLeft(DrainPlan plan, IPushDisplay display)
    {
        var isEmpty = plan.Parts.Count == 0;
        foreach (var drain in plan.Drains)
        {
            try
            {
                var left = drain.Count;
                isEmpty = isEmpty && left == 0;
                if (left > 0)
                    display.Note(
                        $"The spool '{Shown.Short(200, drain.Path)}' keeps {ShownNames.Artifacts(left)}."
                    );
            }
            catch (SpoolRefusedException refused)
            {
                isEmpty = false;
                display.Note(
                    $"What is left in the spool '{Shown.Short(200, drain.Path)}' cannot be counted. {refused.Message}"
                );
            }
        }

        if (isEmpty)
            display.Note("The spool is empty: there is nothing to export.");
    }

    [SupportedOSPlatform("linux")]
    private static async Task<int> RunAsync(
        DrainPlan plan,
        PushArguments arguments,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellationToken
    )
    {
        var shown = ShownOf(arguments);
        await using var display = shown.Open(null);
        await using var receipts = arguments.Receipts is { } path
            ? await Task.Run(
                    () => ReceiptsFile.Open(path, acceptUnverified: false, display.Note),
                    cancellationToken
                )
                .WaitAsync(cancellationToken)
            : null;
        var context = new ExportEventContext
        {
            SpecId = plan.SpecId,
            RunId = arguments.RunId,
            Provenance = arguments.Provenance,
        };
        var lines = new ResultLines(output, shown.Results, arguments.Format, context, receipts, display);
        FailureRehearsal.Run(arguments.Format);
        var run = new DrainRun(
            plan,
            arguments with
            {
                Concurrency = OpenFiles.Fit(arguments.Concurrency, display.Note),
            },
            lines,
            receipts,
            display
        );
        var ending = new RunEnding(error, receipts, lines, display);
        if (
            !await ending.GuardAsync(
                async () =>
                {
                    try
                    {
                        await run.RunAsync(cancellationToken);
                    }
                    finally
                    {
                        await ending.SayHomelessAsync(
                            "The artifacts are still in the spool. Save these lines, or run the same command again."
                        );
                    }

                    if (receipts is not null)
                        await receipts.CompleteAsync();
                },
                cancellationToken
            )
        )
            return ExitCode.Failed;

        SayWhatIsLeft(plan, display);
        return ending.ExitCodeOf(run.AnyProblem);
    }
}
