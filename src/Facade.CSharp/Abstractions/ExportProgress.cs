namespace CellOS.Export;

/// <summary>
/// The progress of the attempt that is under way. The first report of an attempt is of 0 bytes; from there on the bytes
/// grow, up to the length once the whole body is out. The server's verdict is still open then: only the receipt says that
/// an artifact is stored.
/// </summary>
/// <param name="ArtifactName">The artifact's name.</param>
/// <param name="Attempt">The number of the attempt, 1 or more; during a wait, that of the next attempt.</param>
/// <param name="BytesSent">The number of bytes that have been handed to the transport.</param>
/// <param name="Length">The length of the artifact in bytes.</param>
public readonly record struct ExportProgress(string ArtifactName, int Attempt, long BytesSent, long Length)
{
    /// <summary>The wait before the attempt; null while it runs.</summary>
    public ExportRetryWait? RetryWait { get; init; }
}

/// <summary>The wait between two attempts.</summary>
/// <param name="Reason">
/// The outcome of the attempt that failed, in a few words without secrets: <c>503 SlowDown</c>, <c>connection reset</c>.
/// </param>
/// <param name="Until">The end of the wait.</param>
public sealed record ExportRetryWait(string Reason, DateTimeOffset Until);
