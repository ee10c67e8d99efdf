namespace CellOS.Export.S3.Cli.Files;

/// <summary>The files that options and variables of a command name; null for those that are not given.</summary>
/// <param name="Receipts">The file that receipts are appended to.</param>
/// <param name="OtherReceipts">Receipts files that are only read.</param>
/// <param name="Seals">The file that seals are appended to.</param>
/// <param name="SealKey">The key that seals.</param>
/// <param name="SealPassword">The file with the password of that key.</param>
internal sealed record CommandFiles(
    string? Receipts = null,
    IReadOnlyList<string>? OtherReceipts = null,
    string? Seals = null,
    string? SealKey = null,
    string? SealPassword = null
)
{
    /// <summary>The receipts files, the written one first.</summary>
    internal IEnumerable<string> AllReceipts =>
        Receipts is null ? OtherReceipts ?? [] : [Receipts, .. OtherReceipts ?? []];
}
