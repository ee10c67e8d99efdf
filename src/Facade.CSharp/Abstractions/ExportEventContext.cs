namespace CellOS.Export;

/// <summary>
/// What the events and statements of one run have in common, for
/// <see cref="ExportResult.ToCloudEvent(DateTimeOffset, ExportEventContext?)"/> and its kin. What is null is left out of them.
/// It is checked when an event is made.
/// </summary>
public sealed record ExportEventContext
{
    /// <summary>The <c>id</c> below <c>spec</c> in the cell spec: a cell id. Default: null.</summary>
    public string? SpecId { get; init; }

    /// <summary>
    /// The id of the run: 1 to 128 visible ASCII characters without blanks, and no URL; see also
    /// <see cref="S3.ExportSealRun.RunId"/>. Default: null.
    /// </summary>
    public string? RunId { get; init; }

    /// <summary>
    /// Where the run comes from: the id of the event that caused it, at most 1,024 bytes in UTF-8 without control characters.
    /// Default: null.
    /// </summary>
    public string? Provenance { get; init; }
}
