using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CellOS.Export.S3.Bench;

/// <summary>How this program writes JSON, and reads it again.</summary>
internal static class BenchJson
{
    /// <summary>In one line.</summary>
    internal static readonly JsonSerializerOptions Line = new(JsonSerializerDefaults.Web);

    /// <summary>For people as well.</summary>
    internal static readonly JsonSerializerOptions Page = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };
}
