using System.Text.Json;

namespace Quickstart;

/// <summary>The parts of a receipt that are shown, as the exporter printed them.</summary>
internal sealed record ReceiptLine(
    string Destination,
    long BytesWritten,
    string ArtifactName,
    string Sha256,
    string Integrity,
    int Attempts
)
{
    /// <summary>The line as it came.</summary>
    internal string Json { get; private init; } = "";

    internal static ReceiptLine Parse(string json) =>
        JsonSerializer.Deserialize<ReceiptLine>(json, JsonSerializerOptions.Web)! with
        {
            Json = json,
        };

    internal string[] ToRow() =>
        [ArtifactName, $"{BytesWritten:N0}", $"{Attempts}", Integrity, Sha256[..12], Destination];
}
