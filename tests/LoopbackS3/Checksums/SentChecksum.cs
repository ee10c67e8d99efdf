namespace LoopbackS3;

/// <summary>What a request states about the checksum of its body, apart from <c>Content-MD5</c>.</summary>
internal sealed class SentChecksum
{
    private readonly KeyValuePair<string, string>[] _values;
    private readonly string? _sdkAlgorithm;

    /// <param name="isQueryEnforced">
    /// Reads the query where the headers state no checksum: SDKs hoist <c>x-amz-*</c> headers into it.
    /// </param>
    public SentChecksum(
        IReadOnlyDictionary<string, string> headers,
        RequestTarget target,
        bool isQueryEnforced
    )
    {
        _sdkAlgorithm = headers.GetValueOrDefault("x-amz-sdk-checksum-algorithm");
        _values = [.. headers.Where(header => ChecksumAlgorithm.IsChecksum(header.Key))];
        if (_values.Length == 0 && isQueryEnforced)
            _values = [.. target.Parameters().Where(pair => ChecksumAlgorithm.IsChecksum(pair.Key))];
    }

    /// <summary>True if there is a checksum, be it wrong or malformed.</summary>
    public bool IsPresent => _values.Length > 0;

    /// <summary>Null where no checksum, or none of a known algorithm, was sent.</summary>
    public ChecksumAlgorithm? Algorithm => IsPresent ? ChecksumAlgorithm.Find(_values[0].Key) : null;

    /// <summary>Checks what is known before the body is: S3's errors, in S3's order.</summary>
    public S3Error? Refusal()
    {
        if (_values.Length > 1)
            return ChecksumErrors.Multiple;
        if (IsPresent && Algorithm is null)
            return ChecksumErrors.UnknownAlgorithm;
        if (Algorithm is { } algorithm && !IsBase64(_values[0].Value, algorithm.Length))
            return ChecksumErrors.Invalid(algorithm);
        if (_sdkAlgorithm is null)
            return null;
        if (!IsPresent)
            return ChecksumErrors.ValueMissing;
        return _sdkAlgorithm.Equals(Algorithm!.Name, StringComparison.OrdinalIgnoreCase)
            ? null
            : ChecksumErrors.InvalidSdkAlgorithm;
    }

    /// <summary>Compares the checksum with the bytes that came.</summary>
    public S3Error? Mismatch(Digests received) =>
        Algorithm is { } algorithm && _values[0].Value != received.Base64(algorithm.Digest)
            ? ChecksumErrors.Bad(algorithm)
            : null;

    /// <summary>True if the text is Base64, with padding, of this number of bytes.</summary>
    public static bool IsBase64(string text, int length)
    {
        Span<byte> bytes = stackalloc byte[64];
        return text.Length == (length + 2) / 3 * 4
            && Convert.TryFromBase64String(text, bytes, out var written)
            && written == length;
    }
}
