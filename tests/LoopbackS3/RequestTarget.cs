namespace LoopbackS3;

/// <summary>
/// What a request line asks for, read from its raw octets. A decoded path would not do: it has lost the
/// difference between <c>/./</c> and <c>/</c>, which for S3 are different keys.
/// </summary>
internal sealed record RequestTarget(string RawPath, string RawQuery, string Bucket, string Key)
{
    /// <summary>Null where the target cannot be decoded, which S3 answers with InvalidURI.</summary>
    public static RequestTarget? TryParse(string raw)
    {
        var origin = ToOriginForm(raw);
        var question = origin.IndexOf('?', StringComparison.Ordinal);
        var (path, query) = question < 0 ? (origin, "") : (origin[..question], origin[(question + 1)..]);
        if (UriEncoding.TryDecode(path) is not { } octets || UriEncoding.TryText(octets) is not { } decoded)
            return null;
        if (!decoded.StartsWith('/') || UriEncoding.TryDecode(query) is null)
            return null;
        var slash = decoded.IndexOf('/', 1);
        return slash < 0
            ? new RequestTarget(path, query, decoded[1..], "")
            : new RequestTarget(path, query, decoded[1..slash], decoded[(slash + 1)..]);
    }

    /// <summary>The first value of a parameter; names are told apart by case, as S3 does.</summary>
    public string? Query(string name)
    {
        foreach (var (parameter, value) in Parameters())
        {
            if (parameter == name)
                return value;
        }
        return null;
    }

    /// <summary>All parameters in their order, decoded; a name or a value that is not UTF-8 is empty.</summary>
    public IEnumerable<KeyValuePair<string, string>> Parameters() =>
        RawQuery
            .Split('&')
            .Select(pair => pair.Split('=', 2))
            .Select(parts =>
                KeyValuePair.Create(Text(parts[0]) ?? "", Text(parts.ElementAtOrDefault(1) ?? "") ?? "")
            );

    private static string? Text(string raw) =>
        UriEncoding.TryDecode(raw, plusIsSpace: true) is { } octets ? UriEncoding.TryText(octets) : null;

    /// <summary>A request through a proxy has the absolute form (RFC 9112, section 3.2.2).</summary>
    private static string ToOriginForm(string raw)
    {
        var scheme = raw.StartsWith('/') ? -1 : raw.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
            return raw;
        var path = raw.IndexOf('/', scheme + 3);
        return path < 0 ? "/" : raw[path..];
    }
}
