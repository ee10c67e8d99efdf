namespace Quickstart;

/// <summary>Which S3, and the keys to it.</summary>
internal sealed record StoreSettings(
    Uri Endpoint,
    string Region,
    string Bucket,
    string AccessKey,
    string SecretKey
)
{
    private static readonly string[] Variables =
    [
        "QUICKSTART_ENDPOINT",
        "QUICKSTART_REGION",
        "QUICKSTART_BUCKET",
        "QUICKSTART_ACCESS_KEY",
        "QUICKSTART_SECRET_KEY",
    ];

    /// <summary>From the environment; null if it names none of it.</summary>
    internal static StoreSettings? Read()
    {
        var values = Variables
            .Select(name => Environment.GetEnvironmentVariable(name)?.Trim() ?? "")
            .ToArray();
        var missing = Variables.Where((_, i) => values[i].Length == 0).ToArray();
        if (missing.Length == Variables.Length)
            return null;
        if (missing.Length > 0)
            throw new UsageException(
                $"Set all of the QUICKSTART_ variables or none: {string.Join(", ", missing)} not set."
            );
        return new StoreSettings(ParseEndpoint(values[0]), values[1], values[2], values[3], values[4]);
    }

    /// <summary>Without the keys.</summary>
    public override string ToString() => $"{Endpoint} {Bucket}";

    private static Uri ParseEndpoint(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var endpoint)
        && endpoint.Scheme is "http" or "https"
        && endpoint is { PathAndQuery: "/", Fragment: "", UserInfo: "" }
            ? endpoint
            : throw new UsageException(
                "QUICKSTART_ENDPOINT is to be scheme and host, and a port where needed, such as https://s3.example.org."
            );
}
