using System.Text.Json;

namespace CellOS.Export.S3.Bench;

/// <summary>How this program writes JSON.</summary>
internal static class BenchJson
{
    /// <summary>In one line.</summary>
    internal static readonly JsonSerializerOptions Line = new(JsonSerializerDefaults.Web);
}
