using System.Globalization;

namespace LoopbackS3;

/// <summary>Makes path-style presigned URLs, as an SDK's presigner would.</summary>
public static class Presigner
{
    /// <returns>
    /// Text, not a <see cref="Uri"/>: a Uri collapses dot segments and decodes <c>%7E</c>, and a key may
    /// hold both.
    /// </returns>
    /// <param name="headers">Signed beside <c>host</c>; whoever uses the URL has to send just these.</param>
    /// <param name="query">Further parameters, signed like all of the query.</param>
    public static string Presign(
        string method,
        Uri endpoint,
        string bucket,
        string key,
        string accessKey,
        string secretKey,
        string region,
        DateTimeOffset signedAt,
        TimeSpan expires,
        IReadOnlyDictionary<string, string>? headers = null,
        IReadOnlyDictionary<string, string>? query = null
    )
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var date = signedAt.UtcDateTime.ToString(SigV4.DateFormat, CultureInfo.InvariantCulture);
        var scope = $"{date[..8]}/{region}/s3/aws4_request";
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = endpoint.Authority,
        };
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
            signed[name.ToLowerInvariant()] = value;
        var names = string.Join(';', signed.Keys);
        var parameters = new Dictionary<string, string>(query ?? new Dictionary<string, string>())
        {
            ["X-Amz-Algorithm"] = SigV4.Algorithm,
            ["X-Amz-Credential"] = $"{accessKey}/{scope}",
            ["X-Amz-Date"] = date,
            ["X-Amz-Expires"] = ((long)expires.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            ["X-Amz-SignedHeaders"] = names,
        };
        var path = $"/{UriEncoding.Encode(bucket)}/{UriEncoding.Encode(key, keepSlash: true)}";
        var unsigned = string.Join(
            '&',
            parameters.Select(p => $"{UriEncoding.Encode(p.Key)}={UriEncoding.Encode(p.Value)}")
        );
        var canonical = SigV4.CanonicalRequest(method, path, unsigned, signed.AsReadOnly(), names);
        var signature = SigV4.Signature(secretKey, scope, SigV4.StringToSign(date, scope, canonical));
        return $"{endpoint.Scheme}://{endpoint.Authority}{path}?{unsigned}&X-Amz-Signature={signature}";
    }
}
