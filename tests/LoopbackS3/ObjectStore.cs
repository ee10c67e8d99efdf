namespace LoopbackS3;

/// <summary>All objects of a server. Looking and storing happen under one lock: If-None-Match needs it.</summary>
internal sealed class ObjectStore(LoopbackS3Options options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string, string), StoredObject> _objects = [];
    private readonly Dictionary<string, Bucket> _buckets = options.Buckets.ToDictionary(b => b.Name);

    public Bucket? Bucket(string name) => _buckets.GetValueOrDefault(name);

    /// <summary>Of a bucket that exists or not.</summary>
    public Dialect DialectOf(string bucket) => Bucket(bucket)?.Dialect ?? options.Dialect;

    public StoredObject? Find(string bucket, string key)
    {
        lock (_gate)
            return _objects.GetValueOrDefault((bucket, key));
    }

    /// <summary>Null when <paramref name="onlyNew"/> is set and the key is taken.</summary>
    public StoredObject? Put(
        string bucket,
        string key,
        Upload upload,
        string etag,
        Headers marks,
        IReadOnlyDictionary<string, string> headers,
        bool onlyNew
    )
    {
        lock (_gate)
        {
            var before = _objects.GetValueOrDefault((bucket, key));
            if (onlyNew && before is not null)
                return null;
            return _objects[(bucket, key)] = new StoredObject(
                upload.Length,
                upload.Stored.Hex(Digest.Md5),
                upload.Stored.Hex(Digest.Sha256),
                upload.Bytes,
                (before?.PutCount ?? 0) + 1,
                _buckets[bucket].Versioned ? Guid.NewGuid().ToString("N") : null,
                etag,
                marks,
                headers
            );
        }
    }

    public IReadOnlyDictionary<(string Bucket, string Key), StoredObject> Snapshot()
    {
        lock (_gate)
            return new Dictionary<(string Bucket, string Key), StoredObject>(_objects);
    }
}
