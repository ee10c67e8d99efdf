namespace CellOS.Export.S3.Bench.Peers;

/// <summary>
/// URLs as a presigner makes them, of the length and the parts of real ones; the signature is invented, since the server
/// looks at none. All peers get theirs from here, so what the text costs is the same for each.
/// </summary>
internal sealed class PresignedUrls(string endpoint)
{
    internal const string Bucket = "evidence";
    internal const string CellId = "cell-7";
    internal const string Region = "us-west-2";

    /// <summary>How the names of measured artifacts begin; a warm-up's begin in another way.</summary>
    internal const string Measured = "run/";
    internal const string WarmUp = "warm-up/";

    /// <summary>How the paths of measured uploads begin.</summary>
    internal static ReadOnlySpan<byte> MeasuredPath => "/evidence/cell-7/run/"u8;

    private readonly string _before = $"{endpoint}/{Bucket}/{CellId}/";
    private readonly string _query =
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        + $"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F{DateTime.UtcNow:yyyyMMdd}%2Fus-west-2%2Fs3%2Faws4_request"
        + $"&X-Amz-Date={DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}&X-Amz-Expires=43200&X-Amz-SignedHeaders=host"
        + "&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024";

    /// <summary><c>http://127.0.0.1:port</c></summary>
    internal string Endpoint => endpoint;

    /// <summary>For a gateway that signs by itself.</summary>
    internal string Template => $"{endpoint}/{Bucket}/{{cell_id}}/{{artifact_name}}{_query}";

    /// <summary>For one artifact.</summary>
    internal string For(string name) => string.Concat(_before, name, _query);
}
