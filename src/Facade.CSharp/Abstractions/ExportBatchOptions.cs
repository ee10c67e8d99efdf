namespace CellOS.Export;

/// <summary>How many artifacts are exported together. A batch takes the options as they are when it is asked for.</summary>
public sealed class ExportBatchOptions
{
    /// <summary>How many artifacts may be under way at once: 1 to 256. Default: 4.</summary>
    public int MaxConcurrency { get; set; } = S3.CoreMapping.DefaultConcurrency;

    /// <summary>
    /// Told how far each artifact is: of one artifact in order, of several at once from several threads; at most 101 times for
    /// each attempt (<see cref="S3.PresignedS3ExportSink"/>). It is called while the body is sent, so it should be quick; <see cref="Progress{T}"/> hands the reports on, and where there
    /// is no synchronization context may hand them on in another order. One that throws costs the rest of the reports
    /// of that artifact, and nothing else. Default: none.
    /// </summary>
    public IProgress<ExportProgress>? Progress { get; set; }

    /// <summary>
    /// Called with each result before the enumeration gives it, and awaited before an artifact takes the place of the
    /// one that ended: what it has written to disk then is there before anything else is sent from that place. It may
    /// be called from several threads at once, up to <see cref="MaxConcurrency"/>. If it throws, no other artifact is
    /// begun, those under way go on to their ends, and the enumeration throws the first such exception when it has
    /// given all results. Default: nothing is called.
    /// </summary>
    /// <remarks>
    /// The token is cancelled when the batch is, and receipts come even then: pass it to nothing that a receipt must
    /// not be lost by, such as the write to a file of receipts.
    /// </remarks>
    public Func<ExportResult, CancellationToken, ValueTask>? OnCompleted { get; set; }

    /// <summary>
    /// Called and awaited before each artifact is begun. If it throws, that artifact and all others are not begun, and the
    /// batch ends as it does where <see cref="OnCompleted"/> throws.
    /// </summary>
    internal Func<ExportArtifact, ValueTask>? OnStarting { get; init; }

    internal ExportBatchOptions Copy() => (ExportBatchOptions)MemberwiseClone();
}
