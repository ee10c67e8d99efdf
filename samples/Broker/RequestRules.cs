using System.Security.Cryptography;
using System.Text;

namespace Broker;

/// <summary>Decides which requests get a URL. Nothing here signs, reads or waits.</summary>
internal static class RequestRules
{
    private const int ProtocolVersion = 1;

    /// <summary>Returns the first reason to refuse the request, or null.</summary>
    internal static Refusal? Check(UrlRequest request, Caller caller, BrokerOptions broker) =>
        CheckForm(request) ?? CheckCaller(request, caller) ?? CheckBroker(request, broker);

    private static Refusal? CheckForm(UrlRequest request)
    {
        if (request.Version != ProtocolVersion)
            return Invalid(
                $"Version {request.Version} of the request is unknown. Send version {ProtocolVersion}."
            );
        if (!IsSegment(request.CellId))
            return Invalid("The cellId is not one path segment of at most 255 bytes. Correct it.");
        if (!request.ArtifactName.Split('/').All(IsSegment))
            return Invalid("The artifactName is not path segments joined by '/'. Correct it.");
        if (PrefixOf(request) is not { } prefix || (prefix.Length > 0 && !prefix.Split('/').All(IsSegment)))
            return Invalid("The key is not [prefix/]cellId/artifactName. Correct it.");
        if (Encoding.UTF8.GetByteCount(request.Key) > 1024)
            return Invalid("The key has more than 1,024 bytes. Shorten the artifactName.");
        if (request.ContentLength < 0)
            return Invalid("The contentLength is negative. Send the length in bytes.");
        if (request.Sha256 is { } sha256 && !IsDigest(sha256, SHA256.HashSizeInBytes))
            return Invalid("The sha256 is not a SHA-256 in Base64. Correct it.");
        if (request.Md5 is { } md5 && !IsDigest(md5, MD5.HashSizeInBytes))
            return Invalid("The md5 is not an MD5 in Base64. Correct it.");
        // A line break in a header would be a line of its own in what is signed.
        var isValid =
            HeadersOf(request).All(header => IsHeaderName(header.Key) && IsHeaderValue(header.Value))
            && IsHeaderValue(request.ContentType ?? "");
        return isValid
            ? null
            : Invalid(
                "A header has an invalid name, no value or a control character in its value. Correct it."
            );
    }

    private static Refusal? CheckCaller(UrlRequest request, Caller caller)
    {
        if (!IsAllowed(caller.Cells, request.CellId, StringComparison.Ordinal))
        {
            return Forbidden(
                $"The token is not for cell '{request.CellId}'. Its cells: {Pattern.List(caller.Cells)}."
            );
        }
        var prefix = PrefixOf(request)!;
        return IsAllowed(caller.Prefixes, prefix, StringComparison.Ordinal)
            ? null
            : Forbidden(
                $"The token is not for the key prefix '{prefix}'. Its prefixes: {Pattern.List(caller.Prefixes)}."
            );
    }

    private static Refusal? CheckBroker(UrlRequest request, BrokerOptions broker)
    {
        if (!broker.Buckets.Contains(request.Bucket, StringComparer.Ordinal))
        {
            return Forbidden(
                $"The bucket '{request.Bucket}' is not allowed. Allowed: {Pattern.List(broker.Buckets)}."
            );
        }
        if (request.Region is { } region && region != broker.Region)
            return Forbidden($"The region '{region}' is not allowed. Allowed: {broker.Region}.");
        if (request.ContentLength > broker.MaxContentLength)
        {
            return Forbidden(
                $"The artifact has {request.ContentLength} bytes. Allowed: {broker.MaxContentLength}."
            );
        }
        var other = HeadersOf(request)
            .Select(header => header.Key)
            .FirstOrDefault(name => !IsAllowed(broker.Headers, name, StringComparison.OrdinalIgnoreCase));
        return other is null
            ? null
            : Forbidden($"The header '{other}' is not allowed. Allowed: {Pattern.List(broker.Headers)}.");
    }

    /// <summary>Returns the key's prefix, empty if it has none; null if the key does not end with cell and artifact.</summary>
    private static string? PrefixOf(UrlRequest request)
    {
        var end = $"{request.CellId}/{request.ArtifactName}";
        if (request.Key == end)
            return "";
        return
            request.Key.EndsWith($"/{end}", StringComparison.Ordinal) && request.Key.Length > end.Length + 1
            ? request.Key[..^(end.Length + 1)]
            : null;
    }

    private static IReadOnlyDictionary<string, string> HeadersOf(UrlRequest request) =>
        request.Headers ?? new Dictionary<string, string>();

    private static bool IsAllowed(IEnumerable<string> patterns, string name, StringComparison comparison) =>
        patterns.Any(pattern => Pattern.Matches(pattern, name, comparison));

    private static bool IsSegment(string text) =>
        text is not ("" or "." or "..")
        && !text.AsSpan().ContainsAny('/', '\\')
        && !HasControl(text)
        && Encoding.UTF8.GetByteCount(text) <= 255;

    private static bool HasControl(string text) => text.Any(char.IsControl);

    private static bool IsHeaderName(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>True for text that stays on its line. JSON can say null.</summary>
    private static bool IsHeaderValue(string? text) => text is not null && !HasControl(text);

    private static bool IsDigest(string text, int bytes) =>
        Convert.TryFromBase64String(text, new byte[text.Length], out var length) && length == bytes;

    private static Refusal Invalid(string reason) => new(StatusCodes.Status400BadRequest, reason);

    private static Refusal Forbidden(string reason) => new(StatusCodes.Status403Forbidden, reason);
}
