using System.Globalization;

namespace CellOS.Export.S3;

/// <summary>
/// The end of a file of seals. Noted where the host cannot change it, it shows later that no line was removed from the end.
/// </summary>
/// <param name="Count">The number of lines, 1 or more.</param>
/// <param name="Sha256">
/// The SHA-256 of the last line without its line end, 64 hexadecimal digits in lower case.
/// </param>
public sealed record ExportSealHead(long Count, string Sha256)
{
    /// <summary><c>COUNT:SHA256</c>.</summary>
    public override string ToString() => $"{Count.ToString(CultureInfo.InvariantCulture)}:{Sha256}";
}
