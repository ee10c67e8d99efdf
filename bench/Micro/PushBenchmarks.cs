using BenchmarkDotNet.Attributes;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Bench;

/// <summary>
/// Whole pushes of the machine, from <c>Push.Create</c> to the receipt, with the inputs that a driver makes. A URL that
/// is asked for is a new one each time, and read as part of the push, as it is in life.
/// </summary>
[MemoryDiagnoser]
public class PushBenchmarks
{
    private Target _target = null!;
    private PushPlan _plan = null!;
    private PushPlan _asked = null!;
    private string _url = null!;

    /// <inheritdoc cref="UrlBenchmarks.SessionToken"/>
    [Params(false, true)]
    public bool SessionToken { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _target = Samples.Target(Samples.Template(SessionToken));
        _plan = Samples.Plan(_target);
        _asked = Samples.Plan(Samples.Target(null));
        _url = Samples.Url(SessionToken);
    }

    [Benchmark]
    public Receipt OneAttempt() => Drive(_plan, null, 1);

    [Benchmark]
    public Receipt OneAttemptAsked() => Drive(_asked, _url, 1);

    [Benchmark]
    public Receipt ThreeAttempts() => Drive(_plan, null, 3);

    [Benchmark]
    public Receipt ThreeAttemptsAsked() => Drive(_asked, _url, 3);

    /// <summary>With plan and URL: all that the core does for an artifact that is stored at once.</summary>
    [Benchmark]
    public Receipt PlanAndOneAttempt() => Drive(Samples.Plan(_target), null, 1);

    [Benchmark]
    public Receipt PlanAndThreeAttempts() => Drive(Samples.Plan(_target), null, 3);

    /// <summary>Answers what the machine asks for: 503 to all PUTs but the last, and 200 to that.</summary>
    private static Receipt Drive(PushPlan plan, string? url, int attempts)
    {
        var now = Samples.Noon;
        var state = Push.Create(plan);
        var input = Input.NewStarted(now, 65536);
        while (true)
        {
            (state, var output) = Push.Step(state, input);
            now = now.AddMilliseconds(5);
            switch (output)
            {
                case Output.Put put:
                    var outcome = put.Request.Attempt < attempts ? Samples.Busy : Samples.Stored;
                    input = Input.NewAttempted(now, 0.5, outcome);
                    break;
                case Output.Wait wait:
                    now = wait.Until;
                    input = Input.NewWoke(now);
                    break;
                case Output.AskUrl when url is not null:
                    input = Input.NewUrlGiven(now, Samples.Parsed(url));
                    break;
                case Output.Done done when done.Receipt.Attempts == attempts:
                    return done.Receipt;
                default:
                    throw new InvalidOperationException($"The push went another way: {output}");
            }
        }
    }
}
