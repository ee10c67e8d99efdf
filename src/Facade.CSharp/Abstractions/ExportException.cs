using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace CellOS.Export;

/// <summary>
/// An artifact that was not exported: what happened, how certain that is, and what to do about it. It holds no
/// response, no URL, no inner exception and no secret.
/// </summary>
public sealed class ExportException : Exception
{
    /// <summary>Makes the exception for a failure.</summary>
    /// <param name="kind">Why the artifact was not exported.</param>
    /// <param name="message">What happened and what to do, for people; without secrets.</param>
    public ExportException(ExportFailureKind kind, string message)
        : base(message) => Kind = kind;

    /// <summary>Why the artifact was not exported.</summary>
    public ExportFailureKind Kind { get; }

    /// <summary>
    /// The message without the artifact's name and address, for displays that name the artifact. Default: the message.
    /// </summary>
    [AllowNull]
    public string Reason
    {
        get => field ?? Message;
        init;
    }

    /// <summary>True if the message is this library's own: its foreign parts are redacted already.</summary>
    internal bool IsRedacted { get; init; }

    /// <summary>The logical address that it was meant for.</summary>
    public string? Destination { get; init; }

    /// <summary>The kind of place that it was meant for; null if unknown.</summary>
    public ExportTargetKind? TargetKind { get; init; }

    /// <summary>The name of the target in the cell spec.</summary>
    public string? TargetName { get; init; }

    /// <summary>The cell that the artifact came from.</summary>
    public string? CellId { get; init; }

    /// <summary>The artifact's name within the cell.</summary>
    public string? ArtifactName { get; init; }

    /// <summary>
    /// The HTTP status of the last response, the server's or a proxy's; null if there was no response. A status without a name in
    /// <see cref="HttpStatusCode"/> is its number: <c>(HttpStatusCode)520</c>.
    /// </summary>
    public HttpStatusCode? StatusCode { get; init; }

    /// <summary>The S3 error code of the last reply, such as <c>SignatureDoesNotMatch</c>.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>The server's own id of the last request, for its operators.</summary>
    public string? RequestId { get; init; }

    /// <summary>The second id that a store's support asks for (<c>x-amz-id-2</c>).</summary>
    public string? HostId { get; init; }

    /// <summary>The number of attempts that were begun; may be 0.</summary>
    public int Attempts { get; init; }

    /// <summary>The time that all of it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>
    /// Whether an object may have been stored all the same: a request was sent whole, and no clear answer came.
    /// </summary>
    public bool MayBeStored { get; init; }

    /// <summary>
    /// True if the artifact is kept in a spool: it is not exported yet, and a drain of the spool exports it
    /// (<c>cellos-export-s3 drain</c>, <see cref="S3.SpoolingExportSink.DrainAsync"/>). The copy is complete and on disk.
    /// </summary>
    public bool IsSpooled { get; init; }

    /// <summary>The same failure of an artifact that is kept. The message ends with a sentence that says so.</summary>
    internal ExportException Spooled(string sentence) =>
        With($"{Message} {sentence}", Reason, isSpooled: true);

    /// <summary>The same failure of an artifact that is not kept, with the reason.</summary>
    internal ExportException NotSpooled(string sentence) =>
        With($"{Message} {sentence}", $"{Reason} {sentence}", isSpooled: false);

    private ExportException With(string message, string reason, bool isSpooled) =>
        new(Kind, message)
        {
            Reason = reason,
            IsRedacted = IsRedacted,
            Destination = Destination,
            TargetKind = TargetKind,
            TargetName = TargetName,
            CellId = CellId,
            ArtifactName = ArtifactName,
            StatusCode = StatusCode,
            ErrorCode = ErrorCode,
            RequestId = RequestId,
            HostId = HostId,
            Attempts = Attempts,
            Elapsed = Elapsed,
            MayBeStored = MayBeStored,
            IsSpooled = isSpooled,
        };

    /// <summary>
    /// The failure as one line of JSON, whatever its message holds; what is unknown is left out:
    /// <c>{"cellId","artifactName","destination","error":{"kind","message","status","code","requestId","hostId","mayBeStored","attempts","spooled"}}</c>.
    /// </summary>
    public string ToJson() => S3.CoreMapping.ToJson(this, ArtifactName);

    /// <summary>
    /// The failure as one line of CloudEvents 1.0 in its JSON format (<c>application/cloudevents+json</c>), of the type
    /// <c>dev.cellos.events.cell.export.v2.failed</c>. <c>source</c> is the cell (<c>/cells/cell-7</c>,
    /// percent-encoded; <c>/cells</c> where it is unknown), <c>subject</c> the artifact's name. <c>data</c> is
    /// <c>{"targetKind","targetName","cellId","artifactName","destination","kind","reason","status","code","requestId","hostId","mayBeStored","attempts","spooled"}</c>, what is
    /// unknown left out: <c>reason</c> is the message.
    /// </summary>
    /// <param name="failedAt">When it failed, for <c>time</c>: to the millisecond, in UTC.</param>
    /// <param name="context">
    /// What is known of the run: <c>specId</c>, <c>runId</c> and <c>provenance</c> at the end of <c>data</c>. Null for nothing.
    /// </param>
    /// <exception cref="ArgumentException">The context is not valid; the message says why.</exception>
    /// <remarks>
    /// <c>id</c> is a SHA-256 over type, time and data: the same failure at the same time gives the same id, another
    /// failure gives another, even if it says the same.
    /// </remarks>
    public string ToCloudEvent(DateTimeOffset failedAt, ExportEventContext? context = null) =>
        S3.CoreMapping.ToCloudEvent(this, ArtifactName, failedAt, context);
}
