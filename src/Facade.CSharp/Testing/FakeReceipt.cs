using System.Security.Cryptography;
using CellOS.Export.S3;

namespace CellOS.Export.Testing;

/// <summary>
/// Makes receipts for tests. Everything that a receipt requires has a plausible value; <c>with</c> changes what a test is about:
/// <c>FakeReceipt.Of("report.json") with { Integrity = "unverified" }</c>.
/// </summary>
public static class FakeReceipt
{
    /// <summary>Makes a receipt of an artifact in an S3 bucket that the store confirmed at the first attempt.</summary>
    /// <param name="artifactName">The artifact's name within the cell: one or more path segments joined by <c>/</c>.</param>
    /// <param name="content">The content, for the length and the SHA-256. Default: no bytes.</param>
    /// <param name="cellId">The cell: one path segment.</param>
    /// <param name="targetName">The name of the target; null for none.</param>
    /// <exception cref="ArgumentException">The name or the cell id is not valid.</exception>
    public static ExportReceipt Of(
        string artifactName,
        ReadOnlySpan<byte> content = default,
        string cellId = FakeExportSink.DefaultCellId,
        string? targetName = null
    ) =>
        Of(
            ExportTargetKind.S3,
            FakeExportSink.Destination(ExportTargetKind.S3, cellId, artifactName),
            artifactName,
            content.Length,
            Convert.ToHexStringLower(SHA256.HashData(content)),
            cellId,
            targetName
        );

    internal static ExportReceipt Of(
        ExportTargetKind kind,
        string destination,
        string artifactName,
        long length,
        string sha256,
        string cellId,
        string? targetName
    ) =>
        new()
        {
            TargetKind = kind,
            TargetName = targetName,
            Destination = destination,
            BytesWritten = length,
            CellId = cellId,
            ArtifactName = artifactName,
            Sha256 = sha256,
            Integrity = "checksum-sha256",
            Attempts = 1,
            StartedAt = DateTimeOffset.UnixEpoch,
            CompletedAt = DateTimeOffset.UnixEpoch,
        };
}
