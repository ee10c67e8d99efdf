using System.Runtime.CompilerServices;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using CellOS.Export.S3.Progress;
using CellOS.Export.S3.Source;
using CellOS.Export.S3.Telemetry;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3;

/// <summary>
/// Performs what the push machine asks for, and feeds back what came of it: the only place where the core meets
/// HttpClient, files, time and chance. It decides nothing.
/// </summary>
internal sealed class PushDriver(
    PutTransport transport,
    IUrlSource? urls,
    TimeProvider time,
    Func<double> roll,
    ILogger logger
)
{
    /// <summary>What the pushes of this sink have learnt about hosts.</summary>
    private KnownHosts _hosts = KnownHostsModule.None;

    /// <summary>Exports one file.</summary>
    /// <param name="plan">What goes where.</param>
    /// <param name="path">The file.</param>
    /// <param name="claim">Why the plan's URL may not be used for its artifact; asked before the first request.</param>
    /// <param name="progress">Told how far each attempt is; may be null. An exception of it ends its reports, not the push.</param>
    /// <param name="cancellationToken">Ends the push.</param>
    internal Task<ExportReceipt> PushAsync(
        PushPlan plan,
        SourcePath path,
        Func<ArtifactName, Refusal?> claim,
        IProgress<ExportProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var reports = progress is null ? null : new GuardedProgress(progress, logger);
        if (Instruments.Obstacle is { } obstacle)
            Log.TelemetryFailed(logger, ArtifactNameModule.Value(plan.Artifact), obstacle);
        return Instruments.Heard is { } instruments && !cancellationToken.IsCancellationRequested
            ? TellAsync(instruments, plan, path, claim, reports, cancellationToken)
            : RunAsync(plan, path, claim, new PushClock(time), reports, telemetry: null, cancellationToken);
    }

    /// <summary>The same, reported to listeners.</summary>
    private async Task<ExportReceipt> TellAsync(
        Instruments instruments,
        PushPlan plan,
        SourcePath path,
        Func<ArtifactName, Refusal?> claim,
        GuardedProgress? reports,
        CancellationToken cancellationToken
    )
    {
        LetFlow();
        var clock = new PushClock(time);
        var telemetry = new PushTelemetry(instruments, plan, clock, reports, logger);
        telemetry.Begin();
        try
        {
            var receipt = await RunAsync(
                    plan,
                    path,
                    claim,
                    clock,
                    reports: telemetry,
                    telemetry,
                    cancellationToken
                )
                .ConfigureAwait(false);
            telemetry.End(PushEnd.Exported(receipt));
            return receipt;
        }
        catch (ExportException failure)
        {
            telemetry.End(PushEnd.Failed(failure));
            throw;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            telemetry.End(PushEnd.Cancelled);
            throw;
        }
        catch (Exception exception)
        {
            telemetry.End(PushEnd.Broken(exception));
            throw;
        }
    }

    /// <summary>
    /// What is sent is known by the flow that sends it. It ends with the method that asks: its caller's stays as it is.
    /// </summary>
    private static void LetFlow()
    {
        if (ExecutionContext.IsFlowSuppressed())
            ExecutionContext.RestoreFlow();
    }

    /// <summary>The loop. What is null costs nothing: neither time nor a byte of what is allocated.</summary>
    internal async Task<ExportReceipt> RunAsync(
        PushPlan plan,
        SourcePath path,
        Func<ArtifactName, Refusal?> claim,
        PushClock clock,
        IProgress<ExportProgress>? reports,
        PushTelemetry? telemetry,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        LetFlow();
        using var source = TryOpen(path, out var fault);
        var state = Push.CreateKnowing(Volatile.Read(ref _hosts), plan);
        var input = source is null
            ? Input.NewNoSource(clock.Now, fault!)
            : Input.NewStarted(clock.Now, source.Length);

        while (true)
        {
            (state, var output) = Push.Step(state, input);
            Learn(Push.Hosts(state));
            switch (output)
            {
                case Output.Put { Request.Attempt: 1 } when claim(plan.Artifact) is { } refusal:
                    // Nothing has been sent: the push begins anew, without a URL.
                    state = Push.Create(plan);
                    input = Input.NewNoUrl(clock.Now, refusal.Message.TrimEnd('.'));
                    break;
                case Output.Put put:
                    Outcome outcome;
                    telemetry?.Begin(put.Request);
                    using (var attempt = AttemptProgress.Begin(reports, plan, put.Request))
                        outcome = await transport
                            .SendAsync(
                                put.Request,
                                source!,
                                attempt is null ? null : attempt.Sent,
                                cancellationToken
                            )
                            .ConfigureAwait(false);
                    Log.Attempted(logger, plan, put.Request.Attempt, state, outcome);
                    telemetry?.Ended(put.Request, state, outcome);
                    input = Input.NewAttempted(clock.Now, roll(), outcome);
                    break;
                case Output.TakeDigests take:
                    input = await TakeDigestsAsync(source!, take, clock, cancellationToken)
                        .ConfigureAwait(false);
                    break;
                case Output.Wait wait:
                    if (input.IsAttempted)
                        AttemptProgress.Wait(reports, plan, state, source!.Length);
                    await clock.WaitUntilAsync(wait.Until, cancellationToken).ConfigureAwait(false);
                    input = Input.NewWoke(clock.Now);
                    break;
                case Output.AskUrl ask:
                    input = await AskUrlAsync(plan, state, ask, clock, cancellationToken)
                        .ConfigureAwait(false);
                    if (input is Input.UrlDelayed delayed)
                        Log.UrlDelayed(logger, plan, delayed.Reason);
                    break;
                case Output.Done done:
                    Log.Exported(logger, done.Receipt);
                    var warning = Push.Warning(state)?.Value;
                    if (warning is not null)
                        Log.ReceiptWarned(logger, warning);
                    return CoreMapping.ToReceipt(done.Receipt, warning);
                case Output.Failed failed:
                    Log.Failed(logger, failed.Failure.Message);
                    throw CoreMapping.ToException(failed.Failure);
                default:
                    throw new InvalidOperationException("The push machine asked for something unknown.");
            }
        }
    }

    /// <summary>Keeps what a push has learnt; nothing that another has learnt meanwhile is lost.</summary>
    private void Learn(KnownHosts hosts)
    {
        while (true)
        {
            var known = Volatile.Read(ref _hosts);
            var merged = KnownHostsModule.Merge(known, hosts);
            if (
                ReferenceEquals(merged, known)
                || ReferenceEquals(Interlocked.CompareExchange(ref _hosts, merged, known), known)
            )
                return;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Input> AskUrlAsync(
        PushPlan plan,
        State state,
        Output.AskUrl ask,
        PushClock clock,
        CancellationToken cancellationToken
    )
    {
        if (urls is null)
            return Input.NewNoUrl(clock.Now, "this sink has no source of URLs");

        using var limit = ask.Until is null ? null : clock.LimitUntil(ask.Until.Value);
        using var both = limit is null
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var either = both?.Token ?? cancellationToken;
        try
        {
            var answer = await urls.AskAsync(plan, Push.UrlRequest(state, ask.Attempt), either)
                .ConfigureAwait(false);
            return answer.ToInput(clock.Now, roll);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Input.NewWoke(clock.Now);
        }
    }

    private static async Task<Input> TakeDigestsAsync(
        SourceFile source,
        Output.TakeDigests take,
        PushClock clock,
        CancellationToken cancellationToken
    )
    {
        using var limit = clock.LimitUntil(take.Until?.Value);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var digests = await new DigestPass(source, [.. take.Algorithms])
                .TakeAsync(both.Token)
                .ConfigureAwait(false);
            return Input.NewDigestsTaken(clock.Now, ListModule.OfSeq(digests));
        }
        catch (SourceException exception)
        {
            return Input.NewNoSource(clock.Now, Fault.Create(exception.Kind, exception.Message, 0));
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Input.NewWoke(clock.Now);
        }
    }

    private static SourceFile? TryOpen(SourcePath path, out Fault? fault)
    {
        try
        {
            fault = null;
            return SourceFile.Open(path);
        }
        catch (SourceException exception)
        {
            fault = Fault.Create(exception.Kind, exception.Message, 0);
            return null;
        }
    }
}
