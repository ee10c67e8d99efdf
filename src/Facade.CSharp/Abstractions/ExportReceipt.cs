using System.Collections.ObjectModel;

namespace CellOS.Export;

/// <summary>
/// What was exported, where to, and what the server confirmed of it. It holds no secret. What is unknown is null
/// and left out of the JSON.
/// </summary>
public sealed record ExportReceipt
{
    /// <summary>The kind of place that the artifact was written to.</summary>
    public required ExportTargetKind TargetKind { get; init; }

    /// <summary>The name of the target in the cell spec.</summary>
    public string? TargetName { get; init; }

    /// <summary>
    /// The logical address: <c>s3://bucket/key</c>, the URL of an HTTP endpoint without its query, or the absolute path of a file.
    /// Never a signature, never a query.
    /// </summary>
    public required string Destination { get; init; }

    /// <summary>How many bytes were written.</summary>
    public required long BytesWritten { get; init; }

    /// <summary>The cell that the artifact came from.</summary>
    public required string CellId { get; init; }

    /// <summary>The artifact's name within the cell.</summary>
    public required string ArtifactName { get; init; }

    /// <summary>The region of the bucket, as configured.</summary>
    public string? Region { get; init; }

    /// <summary>Where the bytes went: scheme, host and path, without the query.</summary>
    public string? ObjectUrl { get; init; }

    /// <summary>SHA-256 of the bytes sent, 64 hexadecimal digits in lower case.</summary>
    public required string Sha256 { get; init; }

    /// <summary>MD5 of the bytes sent, 32 hexadecimal digits in lower case.</summary>
    public string? Md5 { get; init; }

    /// <summary>
    /// Checksums that the store reported and that equal those of the bytes sent: the name of the algorithm
    /// (<c>sha256</c>, <c>md5</c>, <c>crc64nvme</c>, <c>crc64xz</c>, <c>crc32c</c>, <c>crc32</c>, <c>sha1</c>), and the
    /// octets in Base64. In JSON, <c>checksums</c> is there if it is not empty. Default: empty.
    /// </summary>
    public IReadOnlyDictionary<string, string> Checksums { get; init; } =
        ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The entity tag, as the server sent it.</summary>
    public string? ETag { get; init; }

    /// <summary>The version, in a bucket that keeps versions.</summary>
    public string? VersionId { get; init; }

    /// <summary>The server's own id of the request, for its operators.</summary>
    public string? RequestId { get; init; }

    /// <summary>The second id that a store's support asks for (<c>x-amz-id-2</c>).</summary>
    public string? HostId { get; init; }

    /// <summary>
    /// True if the URL was compared with <see cref="Destination"/> and is for the same object. False for a URL without a
    /// signature and with another path, whose gateway decides where the bytes go, and without the comparison
    /// (<see cref="S3.PresignedS3ExportSinkOptions.KeyCheck"/>). In JSON, <c>destinationChecked</c> is there if it is false.
    /// Default: true.
    /// </summary>
    public bool DestinationChecked { get; init; } = true;

    /// <summary>
    /// What the caller should know about this receipt: one sentence, not part of the JSON. Null for nothing.
    /// </summary>
    public string? Warning { get; init; }

    /// <summary>
    /// The strongest confirmation by the server: <c>checksum-sha256</c> (its <c>x-amz-checksum-sha256</c> is that of the
    /// bytes sent), <c>content-md5</c> (it accepted a <c>Content-MD5</c>, or reports the MD5 of the bytes sent),
    /// <c>etag-md5</c> (its ETag is that MD5), <c>checksum-crc64nvme</c>, <c>checksum-crc64xz</c>, <c>checksum-crc32c</c>,
    /// <c>checksum-crc32</c>, <c>checksum-sha1</c> (it reports that checksum of the bytes sent), or <c>unverified</c>. Of a folder,
    /// <c>checksum-sha256</c> says that the file was read back.
    /// </summary>
    public required string Integrity { get; init; }

    /// <summary>
    /// The number of attempts, 1 or more. A request that was repeated without <c>Expect</c> after a 417 belongs to its attempt.
    /// </summary>
    public required int Attempts { get; init; }

    /// <summary>When the export began, in UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the server's answer was complete, in UTC.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>
    /// The receipt as one line of JSON: camelCase, in the order of these properties, times in UTC to the
    /// millisecond.
    /// </summary>
    public string ToJson() => S3.CoreMapping.ToJson(this);

    /// <summary>
    /// The receipt as one line of CloudEvents 1.0 in its JSON format (<c>application/cloudevents+json</c>), of the type
    /// <c>dev.cellos.events.cell.export.v2.completed</c>. <c>source</c> is the cell (<c>/cells/cell-7</c>,
    /// percent-encoded), <c>subject</c> the artifact's name, <c>time</c> the <see cref="CompletedAt"/>, <c>data</c> the
    /// receipt as <see cref="ToJson"/> writes it.
    /// </summary>
    /// <remarks>
    /// <c>id</c> is a SHA-256 over type, cell, artifact name, destination and SHA-256: an export of the same bytes to the
    /// same address gives the same id, whenever and by whomever it is made. Consumers may take it for a duplicate.
    /// </remarks>
    /// <param name="context">
    /// What is known of the run: <c>specId</c>, <c>runId</c> and <c>provenance</c> at the end of <c>data</c>. Null for nothing.
    /// </param>
    /// <exception cref="ArgumentException">The context is not valid; the message says why.</exception>
    public string ToCloudEvent(ExportEventContext? context = null) =>
        S3.CoreMapping.ToCloudEvent(this, context);

    /// <summary>
    /// The receipt as one line of in-toto Statement v1, of the predicate type
    /// <c>https://cellos.dev/attestations/export-receipt/v1</c>. Its one subject is the artifact, with its name, its
    /// SHA-256 and, for an S3 bucket whose name is in lower case, its destination as a URI; the predicate is the receipt
    /// as <see cref="ToJson"/> writes it. It is not signed: that is for the envelope.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// <see cref="Sha256"/> is not 64 hexadecimal digits, so that there is no subject. It never is of a receipt that
    /// <see cref="S3.PresignedS3ExportSink"/> gives.
    /// </exception>
    /// <param name="context">
    /// What is known of the run: <c>specId</c>, <c>runId</c> and <c>provenance</c> at the end of the predicate. Null for
    /// nothing.
    /// </param>
    /// <exception cref="ArgumentException">The context is not valid; the message says why.</exception>
    public string ToInTotoStatement(ExportEventContext? context = null) =>
        S3.CoreMapping.ToInTotoStatement(this, context);
}
