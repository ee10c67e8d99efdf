namespace LoopbackS3;

/// <summary>PutObject: all that the headers can decide is decided before the first byte of the body is read.</summary>
internal sealed class PutObject(LoopbackS3Options options, ObjectStore store, FaultPlan faults)
{
    public async Task HandleAsync(Exchange exchange, RequestTarget target)
    {
        var request = exchange.Request;
        var onlyNew = request.Headers.ContainsKey("If-None-Match");
        var checksum = Checksum(request, target);
        if (Refusal(exchange, target, onlyNew, checksum) is { } refusal)
        {
            await exchange.RefuseAsync(refusal);
            return;
        }
        var fault = faults.For(request);
        if (await fault.BeforeBodyAsync(exchange))
            return;
        if (await exchange.ReadBodyAsync(options, fault) is not { } upload)
            return;
        if (await fault.AfterBodyAsync(exchange))
            return;
        if (Mismatch(request, upload, checksum) is { } mismatch)
        {
            await exchange.RefuseAsync(mismatch);
            return;
        }
        if (store.Put(target.Bucket, target.Key, upload, request.Headers, onlyNew) is not { } stored)
        {
            await exchange.RefuseAsync(S3Errors.PreconditionFailed);
            return;
        }
        Headers reply = [new("ETag", stored.ETag)];
        if (stored.VersionId is not null)
            reply.Add(new("x-amz-version-id", stored.VersionId));
        if (checksum is not null)
            reply.Add(new("x-amz-checksum-sha256", Convert.ToBase64String(upload.Stored.Sha256)));
        if (!await fault.AfterStoreAsync(exchange, reply))
            await exchange.ReplyAsync(200, reply);
    }

    private S3Error? Refusal(Exchange exchange, RequestTarget target, bool onlyNew, string? checksum)
    {
        var headers = exchange.Request.Headers;
        if (exchange.ContentLength is not { } length)
            return S3Errors.MissingContentLength;
        if (length > options.MaxObjectBytes)
            return S3Errors.EntityTooLarge(length, options.MaxObjectBytes);
        if (headers.TryGetValue("Content-MD5", out var md5) && !IsDigest(md5, 16))
            return S3Errors.InvalidDigest(md5);
        if (checksum is not null && !IsDigest(checksum, 32))
            return S3Errors.InvalidChecksum;
        if (store.Bucket(target.Bucket)!.RequireContentMd5 && md5 is null && !HasAnyChecksum(headers, target))
            return S3Errors.DigestRequired;
        if (!onlyNew)
            return null;
        // Of the conditional writes only this one is known to PutObject as used here.
        if (headers["If-None-Match"].Trim() != "*")
            return S3Errors.NotImplemented("If-None-Match");
        return store.Find(target.Bucket, target.Key) is null ? null : S3Errors.PreconditionFailed;
    }

    private static S3Error? Mismatch(RecordedRequest request, Upload upload, string? checksum)
    {
        var calculated = Convert.ToBase64String(upload.Received.Md5);
        if (request.Headers.TryGetValue("Content-MD5", out var md5) && md5 != calculated)
            return S3Errors.BadDigest(md5, calculated);
        return checksum is null || checksum == Convert.ToBase64String(upload.Received.Sha256)
            ? null
            : S3Errors.BadChecksum;
    }

    /// <summary>SDKs hoist <c>x-amz-*</c> headers into the query of a presigned URL; S3 reads them there too.</summary>
    private static string? Checksum(RecordedRequest request, RequestTarget target) =>
        request.Headers.GetValueOrDefault("x-amz-checksum-sha256") ?? target.Query("x-amz-checksum-sha256");

    private static bool HasAnyChecksum(IReadOnlyDictionary<string, string> headers, RequestTarget target) =>
        headers.Keys.Any(name => name.StartsWith("x-amz-checksum-", StringComparison.OrdinalIgnoreCase))
        || target.RawQuery.Contains("x-amz-checksum-", StringComparison.Ordinal);

    private static bool IsDigest(string base64, int length)
    {
        Span<byte> bytes = stackalloc byte[64];
        return base64.Length == (length + 2) / 3 * 4
            && Convert.TryFromBase64String(base64, bytes, out var written)
            && written == length;
    }
}
