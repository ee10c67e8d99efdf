namespace LoopbackS3;

/// <summary>PutObject: all that the headers can decide is decided before the first byte of the body is read.</summary>
internal sealed class PutObject(LoopbackS3Options options, ObjectStore store, FaultPlan faults)
{
    public async Task HandleAsync(Exchange exchange, RequestTarget target)
    {
        var request = exchange.Request;
        var dialect = exchange.Dialect;
        var onlyNew = request.Headers.ContainsKey("If-None-Match");
        var checksum = new SentChecksum(request.Headers, target, dialect.EnforcesQuery);
        if (Refusal(exchange, target, onlyNew, checksum) is { } refusal)
        {
            await exchange.RefuseAsync(refusal);
            return;
        }
        var fault = faults.For(request);
        if (await fault.BeforeBodyAsync(exchange))
            return;
        var sent = checksum.Algorithm;
        Digest[] wanted = [.. dialect.Needs(sent), .. sent is null ? [] : new[] { sent.Digest }];
        if (await exchange.ReadBodyAsync(options, wanted, fault) is not { } upload)
            return;
        if (await fault.AfterBodyAsync(exchange))
            return;
        if (Mismatch(request, upload, checksum) is { } mismatch)
        {
            await exchange.RefuseAsync(mismatch);
            return;
        }
        var etag = dialect.ETag(upload.Stored);
        var marks = dialect.Marks(upload.Stored, sent);
        if (
            store.Put(target.Bucket, target.Key, upload, etag, marks, request.Headers, onlyNew)
            is not { } stored
        )
        {
            await exchange.RefuseAsync(S3Errors.PreconditionFailed);
            return;
        }
        Headers reply = [new("ETag", etag), .. dialect.Marks(fault.Reported(upload.Stored), sent)];
        if (stored.VersionId is not null)
            reply.Add(new("x-amz-version-id", stored.VersionId));
        if (!await fault.AfterStoreAsync(exchange, reply))
            await exchange.ReplyAsync(dialect.Success, reply);
    }

    private S3Error? Refusal(Exchange exchange, RequestTarget target, bool onlyNew, SentChecksum checksum)
    {
        var headers = exchange.Request.Headers;
        if (exchange.ContentLength is not { } length)
            return S3Errors.MissingContentLength;
        if (length > options.MaxObjectBytes)
            return S3Errors.EntityTooLarge(length, options.MaxObjectBytes);
        if (exchange.Dialect.Refusal(headers) is { } refusal)
            return refusal;
        if (headers.TryGetValue("Content-MD5", out var md5) && !SentChecksum.IsBase64(md5, 16))
            return S3Errors.InvalidDigest(md5);
        if (checksum.Refusal() is { } invalid)
            return invalid;
        if (store.Bucket(target.Bucket)!.RequireContentMd5 && md5 is null && !checksum.IsPresent)
            return S3Errors.DigestRequired;
        if (!onlyNew)
            return null;
        // Of the conditional writes only this one is known to PutObject as used here.
        if (headers["If-None-Match"].Trim() != "*")
            return S3Errors.NotImplemented("If-None-Match");
        return store.Find(target.Bucket, target.Key) is null ? null : S3Errors.PreconditionFailed;
    }

    private static S3Error? Mismatch(RecordedRequest request, Upload upload, SentChecksum checksum)
    {
        var calculated = upload.Received.Base64(Digest.Md5);
        return request.Headers.TryGetValue("Content-MD5", out var md5) && md5 != calculated
            ? S3Errors.BadDigest(md5, calculated)
            : checksum.Mismatch(upload.Received);
    }
}
