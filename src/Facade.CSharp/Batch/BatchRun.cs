using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Batch;

/// <summary>
/// Exports many artifacts, a fixed number at once. Rules that it keeps:
/// <list type="bullet">
/// <item>a worker hands over one result before it begins the next artifact, so a consumer that does not read holds
/// all of them back;</item>
/// <item>a result that there is, is given, whatever else happens, unless the consumer has left;</item>
/// <item>when the enumeration is over, nothing runs on.</item>
/// </list>
/// </summary>
internal sealed class BatchRun
{
    private readonly IReadOnlyList<ExportArtifact> _artifacts;
    private readonly Func<ExportArtifact, CancellationToken, Task<ExportReceipt>> _push;
    private readonly Func<ExportArtifact, ValueTask>? _onStarting;
    private readonly Func<ExportResult, CancellationToken, ValueTask>? _onCompleted;
    private readonly Channel<ExportResult> _results;

    /// <summary>How many artifacts have been taken.</summary>
    private int _taken;

    /// <summary>What ended the batch before its time.</summary>
    private volatile ExceptionDispatchInfo? _error;

    /// <summary>Whether an artifact was left out, or something given up, since the batch was cancelled.</summary>
    private volatile bool _isCut;

    private BatchRun(
        IReadOnlyList<ExportArtifact> artifacts,
        int workers,
        Func<ExportArtifact, CancellationToken, Task<ExportReceipt>> push,
        ExportBatchOptions options
    )
    {
        _artifacts = artifacts;
        _push = push;
        _onStarting = options.OnStarting;
        _onCompleted = options.OnCompleted;
        _results = Channel.CreateBounded<ExportResult>(workers);
    }

    /// <summary>Checks a batch, and makes what runs it.</summary>
    /// <param name="artifacts">What is to be exported.</param>
    /// <param name="options">How many at once, and who is called with each result; null for the defaults.</param>
    /// <param name="problemsOf">Returns what is wrong with the batch.</param>
    /// <param name="push">Exports one artifact; a failure is an <see cref="ExportException"/>.</param>
    /// <param name="cancellationToken">Ends the batch.</param>
    /// <exception cref="ArgumentException">Something is wrong with it; nothing was sent.</exception>
    internal static IAsyncEnumerable<ExportResult> Start(
        IEnumerable<ExportArtifact> artifacts,
        ExportBatchOptions? options,
        Func<BatchDraft, FSharpList<Refusal>> problemsOf,
        Func<ExportArtifact, IProgress<ExportProgress>?, CancellationToken, Task<ExportReceipt>> push,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(artifacts);
        // What is checked here is what runs, whatever becomes of the caller's options.
        var chosen = options?.Copy() ?? new ExportBatchOptions();
        ExportArtifact[] all = [.. artifacts];
        var problems = problemsOf(new BatchDraft(chosen.MaxConcurrency, all.Select(CoreMapping.ToDraft)));
        return problems.IsEmpty
            ? RunAsync(
                all,
                chosen,
                (artifact, cancellation) => push(artifact, chosen.Progress, cancellation),
                cancellationToken
            )
            : throw new ArgumentException(BatchDraftModule.Message(problems), nameof(artifacts));
    }

    /// <summary>The results, as they come.</summary>
    /// <param name="artifacts">What is to be exported.</param>
    /// <param name="options">How many at once, and who is called with each result.</param>
    /// <param name="push">Exports one artifact; a failure is an <see cref="ExportException"/>.</param>
    /// <param name="cancellationToken">Ends the batch.</param>
    private static async IAsyncEnumerable<ExportResult> RunAsync(
        ExportArtifact[] artifacts,
        ExportBatchOptions options,
        Func<ExportArtifact, CancellationToken, Task<ExportReceipt>> push,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var workers = Math.Clamp(artifacts.Length, 1, options.MaxConcurrency);
        var run = new BatchRun(artifacts, workers, push, options);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = run.WorkAsync(workers, stop.Token);
        var hasLeft = true;
        try
        {
            // Not with the token: results that there are come before the end of a batch that was cancelled.
            await foreach (
                var result in run._results.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)
            )
                yield return result;
            hasLeft = false;
        }
        finally
        {
            if (hasLeft)
                await run.AbandonAsync(stop).ConfigureAwait(false);
            await ended.ConfigureAwait(false);
            run._error?.Throw();
        }

        if (run._isCut)
            throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Cancels what is under way; its results are dropped.</summary>
    private async Task AbandonAsync(CancellationTokenSource stop)
    {
        var cancelled = stop.CancelAsync();
        await foreach (var _ in _results.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        { }
        await cancelled.ConfigureAwait(false);
    }

    private async Task WorkAsync(int workers, CancellationToken stop)
    {
        try
        {
            await Task.WhenAll(
                    Enumerable
                        .Range(0, workers)
                        .Select(_ => Task.Run(() => WorkAsync(stop), CancellationToken.None))
                )
                .ConfigureAwait(false);
        }
        finally
        {
            _results.Writer.Complete();
        }
    }

    /// <summary>One worker: takes artifacts as long as there are any.</summary>
    private async Task WorkAsync(CancellationToken stop)
    {
        while (_error is null && Take() is { } artifact)
        {
            if (stop.IsCancellationRequested)
            {
                _isCut = true;
                return;
            }

            try
            {
                await ExportAsync(artifact, stop).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                End(exception, stop);
            }
        }
    }

    private ExportArtifact? Take()
    {
        var index = Interlocked.Increment(ref _taken) - 1;
        return index < _artifacts.Count ? _artifacts[index] : null;
    }

    private async Task ExportAsync(ExportArtifact artifact, CancellationToken stop)
    {
        if (_onStarting is not null)
            await _onStarting(artifact).ConfigureAwait(false);
        var result = await ResultAsync(artifact, stop).ConfigureAwait(false);
        try
        {
            if (_onCompleted is not null)
                await _onCompleted(result, stop).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            End(exception, stop);
        }

        await _results.Writer.WriteAsync(result, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task<ExportResult> ResultAsync(ExportArtifact artifact, CancellationToken stop)
    {
        try
        {
            return new ExportResult(artifact, await _push(artifact, stop).ConfigureAwait(false));
        }
        catch (ExportException failure)
        {
            return new ExportResult(artifact, failure);
        }
    }

    /// <summary>No artifact is begun from here on. Cancellation is reported last, and of all else the first.</summary>
    private void End(Exception exception, CancellationToken stop)
    {
        if (exception is OperationCanceledException && stop.IsCancellationRequested)
            _isCut = true;
        else
            Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(exception), null);
    }
}
