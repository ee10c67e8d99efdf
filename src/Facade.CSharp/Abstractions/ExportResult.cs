using System.Diagnostics.CodeAnalysis;

namespace CellOS.Export;

/// <summary>How the export of one artifact of many ended: with a receipt or with a failure, never both.</summary>
public sealed record ExportResult
{
    /// <summary>The artifact was exported.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="receipt">Its receipt.</param>
    /// <exception cref="ArgumentNullException">One of them is null.</exception>
    public ExportResult(ExportArtifact artifact, ExportReceipt receipt)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(receipt);
        Artifact = artifact;
        Receipt = receipt;
    }

    /// <summary>The artifact was not exported.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="failure">Why not.</param>
    /// <exception cref="ArgumentNullException">One of them is null.</exception>
    public ExportResult(ExportArtifact artifact, ExportException failure)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        ArgumentNullException.ThrowIfNull(failure);
        Artifact = artifact;
        Failure = failure;
    }

    /// <summary>The artifact, as it was given.</summary>
    public ExportArtifact Artifact { get; }

    /// <summary>The receipt; null if the artifact was not exported.</summary>
    public ExportReceipt? Receipt { get; }

    /// <summary>Why the artifact was not exported; null if it was.</summary>
    public ExportException? Failure { get; }

    /// <summary>Whether there is a receipt. If not, there is a failure.</summary>
    [MemberNotNullWhen(true, nameof(Receipt))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool IsExported => Receipt is not null;

    /// <summary>True if the artifact was not exported and is kept in a spool; there is a failure then.</summary>
    [MemberNotNullWhen(true, nameof(Failure))]
    public bool IsSpooled => Failure is { IsSpooled: true };

    /// <summary>
    /// One line of JSON: <see cref="ExportReceipt.ToJson"/> or <see cref="ExportException.ToJson"/>. A failure that
    /// names no artifact is reported under this one's name.
    /// </summary>
    public string ToJson() => IsExported ? Receipt.ToJson() : S3.CoreMapping.ToJson(Failure, NameOfFailed);

    /// <summary>
    /// One line of CloudEvents 1.0: <see cref="ExportReceipt.ToCloudEvent"/> or
    /// <see cref="ExportException.ToCloudEvent"/>. A failure that names no artifact is reported under this one's name.
    /// </summary>
    /// <param name="failedAt">When it failed, if it did; a receipt knows when it was completed.</param>
    /// <param name="context">What is known of the run; null for nothing.</param>
    /// <exception cref="ArgumentException">The context is not valid; the message says why.</exception>
    public string ToCloudEvent(DateTimeOffset failedAt, ExportEventContext? context = null) =>
        IsExported
            ? Receipt.ToCloudEvent(context)
            : S3.CoreMapping.ToCloudEvent(Failure, NameOfFailed, failedAt, context);

    private string? NameOfFailed => Failure?.ArtifactName ?? Artifact.Name;
}
