using BenchmarkDotNet.Attributes;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Bench;

/// <summary>
/// Single steps of the machine, each from a state that the steps before have led to. The plan of all of them is made
/// from one template, as a sink makes it.
/// </summary>
[MemoryDiagnoser]
public class StepBenchmarks
{
    private readonly Input _started = Input.NewStarted(Samples.Noon, 65536);
    private readonly Input _busy = Input.NewAttempted(Samples.Noon.AddSeconds(1), 0.5, Samples.Busy);
    private readonly Input _stored = Input.NewAttempted(Samples.Noon.AddSeconds(1), 0.5, Samples.Stored);
    private readonly Input _early = Input.NewWoke(Samples.Noon.AddSeconds(1.2));
    private readonly Input _woke = Input.NewWoke(Samples.Noon.AddSeconds(1.5));
    private Input _given = null!;
    private State _fresh = null!;
    private State _freshAsked = null!;
    private State _asking = null!;
    private State _putting = null!;
    private State _waiting = null!;

    /// <inheritdoc cref="UrlBenchmarks.SessionToken"/>
    [Params(false, true)]
    public bool SessionToken { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _fresh = Push.Create(Samples.Plan(Samples.Target(Samples.Template(SessionToken))));
        (_putting, _) = Push.Step(_fresh, _started);
        (_waiting, _) = Push.Step(_putting, _busy);
        _freshAsked = Push.Create(Samples.Plan(Samples.Target(null)));
        (_asking, _) = Push.Step(_freshAsked, _started);
        _given = Input.NewUrlGiven(Samples.Noon, Samples.Parsed(Samples.Url(SessionToken)));
    }

    [Benchmark]
    public Output StartedToPut() => Push.Step(_fresh, _started).Item2;

    [Benchmark]
    public Output StartedToAskUrl() => Push.Step(_freshAsked, _started).Item2;

    /// <summary>With a URL that was inspected before; <see cref="PushBenchmarks"/> asks for a new one each time.</summary>
    [Benchmark]
    public Output UrlGivenToPut() => Push.Step(_asking, _given).Item2;

    [Benchmark]
    public Output StoredToDone() => Push.Step(_putting, _stored).Item2;

    [Benchmark]
    public Output BusyToWait() => Push.Step(_putting, _busy).Item2;

    [Benchmark]
    public Output EarlyToWait() => Push.Step(_waiting, _early).Item2;

    [Benchmark]
    public Output WokeToPut() => Push.Step(_waiting, _woke).Item2;
}
