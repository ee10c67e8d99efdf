using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using CellOS.Export.S3.Bench;
using Perfolizer.Horology;

// Micro [--quick] [--json FILE] [--only TEXT]: measures the core, and holds it against its goals; and what listeners cost. Misses are told, and
// are no error: how fast a machine is, is no property of the code.
var quick = args.Contains("--quick", StringComparer.Ordinal);
var json = ValueOf("--json");
var only = ValueOf("--only");
if (args.Length != (quick ? 1 : 0) + (json is null ? 0 : 2) + (only is null ? 0 : 2))
{
    Console.Error.WriteLine("usage: Micro [--quick] [--json FILE] [--only TEXT]");
    return 2;
}

var file = Path.GetFullPath(json ?? Path.Combine("obj", "bench", "micro.json"));
var folder = Path.GetDirectoryName(file)!;
Directory.CreateDirectory(folder);

// In this process: nothing is built or restored while it runs.
var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance);
job = quick
    ? job.WithEvaluateOverhead(false)
        .WithWarmupCount(6)
        .WithIterationCount(5)
        .WithIterationTime(TimeInterval.FromMilliseconds(30))
    : job.WithWarmupCount(6).WithIterationCount(15).WithIterationTime(TimeInterval.FromMilliseconds(250));
var config = ManualConfig
    .CreateEmpty()
    .AddJob(job)
    .AddLogger(new ConsoleLogger(unicodeSupport: true))
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddFilter(new NameFilter(name => only is null || name.Contains(only, StringComparison.Ordinal)))
    .WithArtifactsPath(folder)
    .WithOptions(ConfigOptions.JoinSummary)
    .WithUnionRule(ConfigUnionRule.AlwaysUseLocal);

// By itself: Micro --only listening
if (only is null or "listening")
{
    var question = Listening.MeasureQuestion();
    var heard = await Listening.MeasureAsync(quick);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"Listening: a push of 4 KiB, against one without hooks (half of the rounds were between); asking takes {question:0.0} ns"
        )
    );
    foreach (var way in heard)
        Console.WriteLine(Listening.Describe(way));
    if (only is not null)
        return 0;
}

var summary = BenchmarkRunner
    .Run(
        [typeof(UrlBenchmarks), typeof(StepBenchmarks), typeof(PushBenchmarks), typeof(RestBenchmarks)],
        config
    )
    .Single();
if (summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success))
    return 1;

Figure[] figures = [.. summary.Reports.Select(ToFigure)];
var judged = Goals.Judge(figures).ToList();
Console.WriteLine();
Console.WriteLine("Goals");
foreach (var (goal, figure, verdict) in judged)
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"  {goal.What, -42} {figure.Name, -20} {Variant(figure), -13} {figure.Nanoseconds, 8:0} ns {figure.Bytes, 6} B  {verdict}"
        )
    );

File.WriteAllText(
    file,
    JsonSerializer.Serialize(
        new
        {
            quick,
            figures,
            goals = judged.Select(row => new
            {
                goal = row.Goal.What,
                row.Goal.Nanoseconds,
                row.Goal.Bytes,
                benchmark = row.Figure.Name,
                row.Figure.SessionToken,
                verdict = row.Verdict,
            }),
        },
        new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase }
    )
);
return 0;

string? ValueOf(string option) =>
    Array.IndexOf(args, option) is >= 0 and var at && at < args.Length - 1 ? args[at + 1] : null;

static string Variant(Figure figure) =>
    figure.SessionToken switch
    {
        true => "session token",
        false => "no token",
        null => "",
    };

static Figure ToFigure(BenchmarkReport report) =>
    new(
        report.BenchmarkCase.Descriptor.WorkloadMethod.Name,
        (bool?)report.BenchmarkCase.Parameters.Items.SingleOrDefault()?.Value,
        // The median: others may be at work on this machine.
        report.ResultStatistics!.Median,
        report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0
    );
