using BenchmarkDotNet.Attributes;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Bench;

/// <summary>What happens once: settings before the first push, and a line of JSON after each.</summary>
[MemoryDiagnoser]
public class RestBenchmarks
{
    private readonly Receipt _receipt = MakeReceipt();
    private readonly CellSpec _spec = MakeSpec();
    private readonly SettingsContext _context = MakeContext();

    /// <summary>An environment with 60 variables, eight of them of this library, and a spec with two artifacts.</summary>
    [Benchmark]
    public Resolution ResolveSettings() => Settings.Resolve(_context, _spec);

    [Benchmark]
    public string ReceiptToJson() => ReceiptModule.ToJson(_receipt);

    private static Receipt MakeReceipt()
    {
        var plan = Samples.Plan(Samples.Target(Samples.Template(false)));
        var (state, _) = Push.Step(Push.Create(plan), Input.NewStarted(Samples.Noon, 65536));
        var (_, output) = Push.Step(
            state,
            Input.NewAttempted(Samples.Noon.AddSeconds(1), 0.5, Samples.Stored)
        );
        return ((Output.Done)output).Receipt;
    }

    private static CellSpec MakeSpec() =>
        CellSpecModule
            .Create(
                ListModule.OfArray<SpecTarget>([
                    new("artifact-bucket", "s3", "evidence-prod", "us-west-2", "audit/2026", null),
                ]),
                ListModule.OfArray<SpecArtifact>([
                    new("logs/stdout.txt", "out/stdout.txt", "artifact-bucket", null),
                    new("report.json", "out/report.json", "artifact-bucket", null),
                ])
            )
            .ResultValue;

    private static SettingsContext MakeContext()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET"] = Samples.Template(false),
            ["CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET"] = "5",
            ["CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET"] = "250",
            ["CELLOS_EXPORT_S3_WRITE_ONCE__ARTIFACT_BUCKET"] = "0",
            ["CELLOS_EXPORT_S3_TIMEOUT_MS"] = "60000",
            ["CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS"] = "5000",
            ["CELLOS_STRICT_CONFIG"] = "0",
            ["HTTPS_PROXY"] = "http://proxy.example.com:3128",
        };
        for (var i = environment.Count; i < 60; i++)
            environment[$"SOMETHING_ELSE_{i}"] = "/usr/local/share/something";
        return new SettingsContext(
            FuncConvert.FromFunc<string, FSharpOption<string>?>(name =>
                environment.TryGetValue(name, out var value) ? FSharpOption<string>.Some(value) : null
            )!,
            ListModule.OfSeq(environment.Keys),
            Samples.Noon,
            FSharpOption<CellId>.Some(CellIdModule.Create("cell-7f3a").ResultValue),
            hasProvider: false
        );
    }
}
