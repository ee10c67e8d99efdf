using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using CellOS.Export.S3.Bench;
using Perfolizer.Horology;

// Micro [--quick] [--json FILE]: measures the core, and holds it against its goals. Misses are told, and are no error:
// how fast a machine is, is no property of the code.
var quick = args.Contains("--quick", StringComparer.Ordinal);
var at = Array.IndexOf(args, "--json");
if (at == args.Length - 1 && at >= 0 || args.Length != (quick ? 1 : 0) + (at < 0 ? 0 : 2))
{
    Console.Error.WriteLine("usage: Micro [--quick] [--json FILE]");
    return 2;
}

var file = Path.GetFullPath(at < 0 ? Path.Combine("obj", "bench", "micro.json") : args[at + 1]);
var folder = Path.GetDirectoryName(file)!;
Directory.CreateDirectory(folder);

// In this process: nothing is built or restored while it runs.
var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance);
job = quick
    ? job.WithWarmupCount(2).WithIterationCount(4).WithIterationTime(TimeInterval.FromMilliseconds(50))
    : job.WithWarmupCount(6).WithIterationCount(15).WithIterationTime(TimeInterval.FromMilliseconds(250));
var config = ManualConfig
    .CreateEmpty()
    .AddJob(job)
    .AddLogger(new ConsoleLogger(unicodeSupport: true))
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .WithArtifactsPath(folder)
    .WithOptions(ConfigOptions.JoinSummary)
    .WithUnionRule(ConfigUnionRule.AlwaysUseLocal);

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
            $"  {goal.What, -42} {figure.Name, -20} {Variant(figure), -11} {figure.Nanoseconds, 8:0} ns {figure.Bytes, 6} B  {verdict}"
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
                row.Figure.LongToken,
                verdict = row.Verdict,
            }),
        },
        new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase }
    )
);
return 0;

static string Variant(Figure figure) =>
    figure.LongToken switch
    {
        true => "long token",
        false => "short token",
        null => "",
    };

static Figure ToFigure(BenchmarkReport report) =>
    new(
        report.BenchmarkCase.Descriptor.WorkloadMethod.Name,
        (bool?)report.BenchmarkCase.Parameters.Items.SingleOrDefault()?.Value,
        report.ResultStatistics!.Mean,
        report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0
    );
