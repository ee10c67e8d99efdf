using System.Diagnostics;
using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Peers;
using CellOS.Export.S3.Bench.Report;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>Many files through the command line tool in one run: whether it gets slower or larger on the way.</summary>
internal static class CountGrowth
{
    internal const string Name = "count";
    private const int Size = 4 << 10;

    /// <summary>The tool's own default.</summary>
    private const int Concurrency = 4;
    private const int Parts = 10;

    private const string Spec = $"""
        export:
          targets:
            - name: artifact-bucket
              kind: s3
              bucket: {PresignedUrls.Bucket}
              region: us-west-2
        """;

    internal static async Task<CountResult> RunAsync(
        Scale scale,
        Workspace workspace,
        ServerProcess server,
        Action<string> say,
        CancellationToken stopping
    )
    {
        say($"{Name}, {Table.Count(scale.Files)} files through the command line tool");
        var root = Path.Join(workspace.Folder, "cell");
        workspace.AddFolder($"cell/{PresignedUrls.Measured}", scale.Files, Size, stopping);
        var spec = workspace.AddText("cell.yaml", Spec);
        return await server.ExpectAsync(
            "The command line tool",
            result => (result.Files, (long)result.Files * Size),
            () => PushAsync(root, spec, scale.Files, server.Url, stopping),
            stopping
        );
    }

    private static async Task<CountResult> PushAsync(
        string root,
        string spec,
        int files,
        string url,
        CancellationToken stopping
    )
    {
        var clock = Stopwatch.StartNew();
        await using var tool = Child.StartAssembly(
            Repository.CommandLineTool,
            root,
            new Dictionary<string, string>
            {
                ["CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET"] = new PresignedUrls(url).Template,
            },
            [
                "push",
                "--spec",
                spec,
                "--cell-id",
                PresignedUrls.CellId,
                "--concurrency",
                $"{Concurrency}",
                "--quiet",
                ".",
            ]
        );
        var tenths = new List<Tenth>();
        var (first, begun, peak) = (0.0, 0.0, 0L);
        var done = 0;
        while (await tool.Output.ReadLineAsync(stopping) is { } line)
        {
            if (line.Contains("\"error\":", StringComparison.Ordinal))
                throw new FailedException($"The command line tool: {line}");
            done++;
            if (done == 1)
                first = begun = clock.Elapsed.TotalSeconds;
            if (done % (files / Parts) != 0)
                continue;

            var now = clock.Elapsed.TotalSeconds;
            // The first tenth begins with its first receipt.
            var pushes = files / Parts - (tenths.Count == 0 ? 1 : 0);
            // The last receipt may be the last of the process.
            (var rss, peak) = Memory(tool.Id) ?? (tenths[^1].Rss, peak);
            tenths.Add(new Tenth(pushes / (now - begun), rss));
            begun = now;
        }

        await tool.EndAsync("The command line tool", stopping);
        return new CountResult(done, Size, Concurrency, first, clock.Elapsed.TotalSeconds, peak, tenths);
    }

    /// <summary>What the process has now, and had at most, in bytes; null if it has ended.</summary>
    private static (long Now, long Peak)? Memory(string process)
    {
        try
        {
            return OperatingSystem.IsLinux() ? (Usage.Rss(process), Usage.PeakRss(process)) : (0, 0);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            return null;
        }
    }
}
