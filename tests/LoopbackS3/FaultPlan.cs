using System.Collections.Concurrent;

namespace LoopbackS3;

/// <summary>Which attempt goes wrong how: the script of a key first, then what holds for it always, then the rest.</summary>
internal sealed class FaultPlan
{
    private readonly ConcurrentDictionary<(string, string), Fault[]> _scripts = [];
    private readonly ConcurrentDictionary<(string, string), Fault> _always = [];

    public Func<RecordedRequest, Fault?>? OnAttempt { get; set; }

    public void Script(string bucket, string key, Fault[] faults) => _scripts[(bucket, key)] = faults;

    public void Always(string bucket, string key, Fault fault) => _always[(bucket, key)] = fault;

    public Fault For(RecordedRequest request)
    {
        var name = (request.Bucket, request.Key);
        if (_scripts.TryGetValue(name, out var script) && request.Attempt <= script.Length)
            return script[request.Attempt - 1];
        return _always.GetValueOrDefault(name) ?? OnAttempt?.Invoke(request) ?? Fault.None;
    }
}
