namespace LoopbackS3;

/// <summary>A request as it came, and how it went so far.</summary>
/// <param name="Target">The raw target of the request line, octet for octet.</param>
/// <param name="BodyBytes">Bytes of the body that the server has read.</param>
/// <param name="BodySha256">Of the whole body, as it came: lower-case hex; null until it is there.</param>
/// <param name="Status">Null while there is no reply, and for good when the connection is cut instead.</param>
/// <param name="Attempt">Counts the PUTs on this key from 1, refused ones too; 0 for other methods.</param>
/// <param name="ConnectionId">The same for requests that shared a connection.</param>
public sealed record RecordedRequest(
    string Method,
    string Target,
    IReadOnlyDictionary<string, string> Headers,
    string Bucket,
    string Key,
    int Attempt,
    bool ExpectContinue,
    string ConnectionId,
    long BodyBytes,
    string? BodySha256,
    int? Status
);

/// <summary>The requests of a server in the order of their arrival.</summary>
internal sealed class RequestLog
{
    private readonly Lock _gate = new();
    private readonly List<RecordedRequest> _requests = [];
    private readonly Dictionary<(string, string), int> _attempts = [];

    public int Add(RecordedRequest request)
    {
        lock (_gate)
        {
            var name = (request.Bucket, request.Key);
            if (request.Method == "PUT")
                _attempts[name] = _attempts.GetValueOrDefault(name) + 1;
            var attempt = request.Method == "PUT" ? _attempts[name] : 0;
            _requests.Add(request with { Attempt = attempt });
            return _requests.Count - 1;
        }
    }

    public RecordedRequest this[int index]
    {
        get
        {
            lock (_gate)
                return _requests[index];
        }
    }

    public void Change(int index, Func<RecordedRequest, RecordedRequest> change)
    {
        lock (_gate)
            _requests[index] = change(_requests[index]);
    }

    public IReadOnlyList<RecordedRequest> Snapshot()
    {
        lock (_gate)
            return [.. _requests];
    }
}
