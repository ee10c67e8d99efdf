using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace LoopbackS3;

/// <summary>
/// Signature Version 4 for S3, as pure functions over what stands on the wire ("Authenticating Requests:
/// Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference).
/// </summary>
public static partial class SigV4
{
    public const string Algorithm = "AWS4-HMAC-SHA256";
    public const string UnsignedPayload = "UNSIGNED-PAYLOAD";
    internal const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>
    /// S3's rule, unlike that of other services: the path is not normalized (<c>//</c> and <c>/./</c> are
    /// part of the key), and what is signed is the encoding of the decoded path, so <c>%7E</c> equals <c>~</c>.
    /// </summary>
    public static string CanonicalUri(string rawPath) =>
        UriEncoding.Encode(Decoded(rawPath, plusIsSpace: false), keepSlash: true);

    /// <summary>All parameters but the signature itself, encoded anew, then sorted by name and value.</summary>
    public static string CanonicalQuery(string rawQuery) =>
        string.Join(
            '&',
            rawQuery
                .Split('&', StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2))
                .Select(pair => (Name: Canonical(pair[0]), Value: pair.Length > 1 ? Canonical(pair[1]) : ""))
                .Where(pair => pair.Name != "X-Amz-Signature")
                .OrderBy(pair => pair.Name, StringComparer.Ordinal)
                .ThenBy(pair => pair.Value, StringComparer.Ordinal)
                .Select(pair => $"{pair.Name}={pair.Value}")
        );

    /// <summary>
    /// A signed header that the request lacks leaves no line behind, so that its signature cannot fit.
    /// </summary>
    public static string CanonicalRequest(
        string method,
        string rawPath,
        string rawQuery,
        IReadOnlyDictionary<string, string> headers,
        string signedHeaders,
        string payload = UnsignedPayload
    )
    {
        var lines = new StringBuilder();
        foreach (var name in signedHeaders.Split(';'))
        {
            if (headers.TryGetValue(name, out var value))
                lines.Append(name).Append(':').Append(Blanks().Replace(value.Trim(), " ")).Append('\n');
        }
        return string.Join(
            '\n',
            method,
            CanonicalUri(rawPath),
            CanonicalQuery(rawQuery),
            lines.ToString(),
            signedHeaders,
            payload
        );
    }

    /// <param name="scope">date/region/service/aws4_request</param>
    public static string StringToSign(string amzDate, string scope, string canonicalRequest) =>
        string.Join(
            '\n',
            Algorithm,
            amzDate,
            scope,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)))
        );

    /// <summary>The key is derived through each part of the scope in turn.</summary>
    public static string Signature(string secretKey, string scope, string stringToSign) =>
        Convert.ToHexStringLower(
            Hmac(scope.Split('/').Aggregate(Encoding.UTF8.GetBytes("AWS4" + secretKey), Hmac), stringToSign)
        );

    private static byte[] Hmac(byte[] key, string text) =>
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Canonical(string text) => UriEncoding.Encode(Decoded(text, plusIsSpace: true));

    private static byte[] Decoded(string text, bool plusIsSpace) =>
        UriEncoding.TryDecode(text, plusIsSpace)
        ?? throw new FormatException("A percent sign that begins no escape.");

    [GeneratedRegex(" {2,}")]
    private static partial Regex Blanks();
}
