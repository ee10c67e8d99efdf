namespace CellOS.Export.S3.Telemetry;

/// <summary>How a push ended, in the words of telemetry.</summary>
/// <param name="Outcome">One of three words.</param>
/// <param name="ErrorType">What kind of error it was; null if it was none, as with a cancellation by the caller.</param>
/// <param name="Receipt">Of one that was exported.</param>
/// <param name="Failure">Of one that was not; its message holds no secret. Other exceptions may.</param>
internal readonly record struct PushEnd(
    string Outcome,
    string? ErrorType = null,
    ExportReceipt? Receipt = null,
    ExportException? Failure = null
)
{
    internal static PushEnd Exported(ExportReceipt receipt) => new("exported", Receipt: receipt);

    internal static PushEnd Cancelled { get; } = new("cancelled");

    internal static PushEnd Failed(ExportException failure) =>
        new("failed", failure.Kind.ToString(), Failure: failure);

    internal static PushEnd Broken(Exception exception) =>
        new("failed", exception.GetType().FullName ?? exception.GetType().Name);
}
