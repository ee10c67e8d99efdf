namespace Broker;

/// <summary>A request for the presigned URL of one artifact. Digests are in Base64.</summary>
internal sealed record UrlRequest(
    int Version,
    string CellId,
    string ArtifactName,
    string Bucket,
    string Key,
    long ContentLength,
    string? Target = null,
    string? Region = null,
    int Attempt = 1,
    string? ContentType = null,
    IReadOnlyDictionary<string, string>? Headers = null,
    string? Sha256 = null,
    string? Md5 = null,
    string? Crc64nvme = null
);

/// <summary>
/// A presigned URL, the headers that the upload must carry besides those of the request, and the artifact that it is for.
/// </summary>
internal sealed record UrlResponse(
    string Url,
    IReadOnlyDictionary<string, string> Headers,
    DateTime ExpiresAt,
    string ArtifactName
);

/// <summary>The response to a request that is refused.</summary>
internal sealed record ErrorResponse(ErrorMessage Error);

/// <summary>The reason, as the operator of the exporter reads it.</summary>
internal sealed record ErrorMessage(string Message);

/// <summary>The HTTP status and the reason of a request that is refused.</summary>
internal sealed record Refusal(int Status, string Reason);
