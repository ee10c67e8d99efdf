using CellOS.Export.S3.Cli.Receipts;
using CellOS.Export.S3.Cli.Streams;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>How a push or a drain ends, whatever goes wrong: each receipt is on disk, or on standard error.</summary>
/// <param name="error">Standard error.</param>
/// <param name="receipts">The receipts file; null for none.</param>
/// <param name="lines">The results.</param>
/// <param name="display">What leaves the terminal before whole lines are written to it.</param>
internal sealed class RunEnding(
    TextWriter error,
    ReceiptsFile? receipts,
    ResultLines lines,
    IAsyncDisposable display
)
{
    /// <summary>Runs it.</summary>
    /// <param name="run">The push or the drain, with what follows it.</param>
    /// <param name="cancellationToken">What interrupts it.</param>
    /// <returns>False if receipts or results could not be written; standard error says why.</returns>
    /// <exception cref="OperationCanceledException">It was interrupted, and ended cleanly.</exception>
    internal async Task<bool> GuardAsync(Func<Task> run, CancellationToken cancellationToken)
    {
        try
        {
            await run();
            return true;
        }
        // Its reader may never read again: the run ends as interrupted, and what is stored has its receipt.
        catch (LostOutputException exception) when (cancellationToken.IsCancellationRequested)
        {
            Say(exception);
            await SayWhatIsLost();
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await SayWhatIsLost();
            throw;
        }
        catch (IOException exception) when (LocalFault.Describe(exception) is null)
        {
            Say(exception);
            return false;
        }
    }

    /// <summary>Writes the receipts that could be written nowhere else, in whole lines.</summary>
    /// <param name="advice">What to do with them, in sentences.</param>
    internal async Task SayHomelessAsync(string advice)
    {
        if (lines.Homeless.Count == 0)
            return;
        await display.DisposeAsync();
        error.WriteLine(
            $"{Tool.Name}: The objects of these receipts are stored, and the receipts could be written nowhere else. {advice}"
        );
        foreach (var receipt in lines.Homeless)
            error.WriteLine(receipt);
    }

    /// <summary>The exit code of a run that has ended by itself.</summary>
    /// <param name="anyProblem">True if something is wrong besides artifacts that failed.</param>
    internal int ExitCodeOf(bool anyProblem) =>
        lines.AnyFailed || anyProblem ? ExitCode.Failed
        : lines.AnySpooled ? ExitCode.Spooled
        : ExitCode.Done;

    private void Say(Exception exception) =>
        error.WriteLine($"{Tool.Name}: {Core.Shown.Line(exception.Message)}");

    private async Task SayWhatIsLost()
    {
        try
        {
            if (receipts is not null)
                await receipts.CompleteAsync();
        }
        catch (IOException exception)
        {
            Say(exception);
        }
    }
}
