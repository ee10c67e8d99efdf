namespace CellOS.Export.S3.Http;

/// <summary>What a caller's client must not do by itself.</summary>
internal static class ForeignClient
{
    /// <summary>Why it cannot be used and what to do; null if it can.</summary>
    internal static string? Problem(HttpClient client, TimeSpan requestTimeout)
    {
        // A signature covers certain headers; S3 answers 403 to some that it does not cover.
        var headers = client
            .DefaultRequestHeaders.NonValidated.Select(header => header.Key)
            .Where(name => !name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase))
            .ToArray();
        if (headers.Length > 0)
            return $"The HttpClient adds headers of its own ({string.Join(", ", headers)}), which no signature covers. Remove them from its DefaultRequestHeaders.";

        return client.Timeout != Timeout.InfiniteTimeSpan && client.Timeout < requestTimeout
            ? $"The HttpClient gives up after {client.Timeout}, before the request timeout of {requestTimeout}. Set its Timeout to Timeout.InfiniteTimeSpan."
            : null;
    }
}
