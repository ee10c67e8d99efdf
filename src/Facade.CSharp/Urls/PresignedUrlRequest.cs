using System.Text;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3;

/// <summary>What a presigning broker is asked for: a URL for a PUT of one artifact.</summary>
/// <param name="ArtifactName">The artifact's name within its cell.</param>
/// <param name="Bucket">The bucket that it goes to.</param>
/// <param name="Key">The object key, not percent-encoded: what the URL is to be presigned for.</param>
/// <param name="Attempt">The attempt that it is for: 1 for the first.</param>
public sealed record PresignedUrlRequest(string ArtifactName, string Bucket, string Key, int Attempt)
{
    /// <summary>The name of the target, which tells a broker of several which it is; null for a sink without one.</summary>
    public string? TargetName { get; init; }

    /// <summary>The cell whose evidence it is. A sink always sets it. Default: empty.</summary>
    public string CellId { get; init; } = "";

    /// <summary>The region of the bucket; null if unknown.</summary>
    public string? Region { get; init; }

    /// <summary>The number of bytes of the artifact, which is the <c>Content-Length</c> of the upload.</summary>
    public long ContentLength { get; init; }

    /// <summary>The <c>Content-Type</c> of the upload, which is among <see cref="Headers"/> as well; null if there is no such header.</summary>
    public string? ContentType { get; init; }

    /// <summary>
    /// The headers that the request will carry, names and values as they are sent, beside <c>Host</c>,
    /// <c>Content-Length</c>, <c>Expect</c> and <c>Content-MD5</c>. Of them, those whose names begin with <c>x-amz-</c>
    /// have to be among the signed headers of a SigV4 URL. A value may be a credential. Never null.
    /// </summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = CoreMapping.NoHeaders;

    /// <summary>
    /// The SHA-256 of the content in Base64, as <c>x-amz-checksum-sha256</c> has it; null unless
    /// <see cref="PresignedS3ExportSinkOptions.BindDigest"/> is set. So are the other two.
    /// </summary>
    public string? Sha256 { get; init; }

    /// <summary>The MD5 of the content in Base64, as <c>Content-MD5</c> has it; null if digests are not bound.</summary>
    public string? Md5 { get; init; }

    /// <summary>The CRC-64/NVME of the content in Base64; null if digests are not bound.</summary>
    public string? Crc64Nvme { get; init; }

    internal static PresignedUrlRequest Of(UrlRequest request)
    {
        var headers = request.Headers.IsEmpty && request.ContentType is null ? null : HeadersOf(request);
        return new(request.ArtifactName, request.Bucket, request.Key, request.Attempt)
        {
            TargetName = request.Target?.Value,
            CellId = request.CellId,
            Region = request.Region?.Value,
            ContentLength = request.ContentLength,
            ContentType = request.ContentType?.Value,
            Headers = headers ?? CoreMapping.NoHeaders,
            Sha256 = UrlRequestModule.Digest(DigestAlgorithm.Sha256, request)?.Value.Base64,
            Md5 = UrlRequestModule.Digest(DigestAlgorithm.Md5, request)?.Value.Base64,
            Crc64Nvme = UrlRequestModule.Digest(DigestAlgorithm.Crc64Nvme, request)?.Value.Base64,
        };
    }

    private static Dictionary<string, string> HeadersOf(UrlRequest request)
    {
        var headers = new Dictionary<string, string>(request.Headers, StringComparer.OrdinalIgnoreCase);
        if (request.ContentType is { Value: var contentType })
            headers["Content-Type"] = contentType;
        return headers;
    }

    /// <exception cref="ArgumentException">A digest is not one.</exception>
    internal UrlRequest ToCore() =>
        new(
            CoreMapping.ToOption(TargetName),
            CellId,
            ArtifactName,
            Bucket,
            Key,
            CoreMapping.ToOption(Region),
            Attempt,
            ContentLength,
            CoreMapping.ToOption(ContentType),
            ListModule.OfSeq(
                Headers.Where(header =>
                    !header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)
                )
            ),
            ListModule.OfSeq(
                new[]
                {
                    ToDigest(DigestAlgorithm.Sha256, Sha256),
                    ToDigest(DigestAlgorithm.Md5, Md5),
                    ToDigest(DigestAlgorithm.Crc64Nvme, Crc64Nvme),
                }.OfType<Digest>()
            )
        );

    private static Digest? ToDigest(DigestAlgorithm algorithm, string? text) =>
        text is null ? null
        : DigestModule.TryParse(algorithm, text) is { Value: var digest } ? digest
        : throw new ArgumentException($"The {algorithm.Title} of the request is not valid Base64.");

    /// <summary>The names of the headers, not their values: one may be a credential.</summary>
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("ArtifactName = ").Append(ArtifactName);
        text.Append(", Bucket = ").Append(Bucket);
        text.Append(", Key = ").Append(Key);
        text.Append(", Attempt = ").Append(Attempt);
        text.Append(", TargetName = ").Append(TargetName);
        text.Append(", CellId = ").Append(CellId);
        text.Append(", ContentLength = ").Append(ContentLength);
        text.Append(", Headers = ").AppendJoin(", ", Headers.Keys);
        return true;
    }
}
