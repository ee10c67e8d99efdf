namespace CellOS.Export.S3;

/// <summary>Waits for what may pay no heed to a token.</summary>
internal static class Patience
{
    /// <summary>
    /// The result of the task, or the end of the waiting. Its result after that does not matter: an error in
    /// it must not turn up as an unobserved one (<see cref="TaskScheduler.UnobservedTaskException"/>).
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    internal static async Task<T> OrGiveUpAsync<T>(this Task<T> task, CancellationToken cancellationToken)
    {
        try
        {
            return await task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = task.ContinueWith(
                static late => _ = late.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            );
            throw;
        }
    }
}
