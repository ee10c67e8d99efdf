using System.Runtime.InteropServices;
using System.Text.Json;
using CellOS.Export.S3.Bench.Report;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>The whole of it: the server, everything that is measured, the table and the JSON.</summary>
internal static class BenchCommand
{
    /// <returns>0 if it ran, whatever came out; 1 if a run failed, 130 if it was interrupted.</returns>
    internal static async Task<int> RunAsync(string[] arguments)
    {
        var options = new Options(arguments, "--quick");
        int? rounds = options.Text("--rounds") is null ? null : (int)options.Whole("--rounds");
        var scale = options.Flag("--quick") ? Scale.Short(rounds) : Scale.Full(rounds);
        var only = options.Text("--only");
        var json = options.Text("--json") ?? Path.Join(Repository.Root, "obj", "bench", "uploads.json");
        options.EnsureNothingElse();
        string[] names =
        [
            .. Contest.All(scale).Select(contest => contest.Name),
            SizeGrowth.Name,
            CountGrowth.Name,
        ];
        if (only is not null && !names.Contains(only))
            throw new UsageException($"--only wants one of {string.Join(", ", names)}, not '{only}'.");

        using var stopping = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            var others = OperatingSystem.IsLinux() ? new OtherLoad() : null;
            var report = await MeasureAsync(scale, name => only is null || only == name, stopping.Token);
            if (OperatingSystem.IsLinux() && others?.Note() is { } note)
                report = report with { Notes = [.. report.Notes, note] };
            foreach (var line in Page.Render(report))
                Console.WriteLine(line);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(json))!);
            await File.WriteAllTextAsync(
                json,
                JsonSerializer.Serialize(report, BenchJson.Page),
                stopping.Token
            );
            Console.WriteLine($"\n{json}");
            return 0;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Uploads: interrupted.");
            return 130;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stopping.Cancel();
        }
    }

    private static async Task<BenchReport> MeasureAsync(
        Scale scale,
        Func<string, bool> isWanted,
        CancellationToken stopping
    )
    {
        var machine = Machine.Look();
        var notes = new List<string>();
        using var workspace = new Workspace();
        await using var server = await ServerProcess.StartAsync(ServerName.Bare, stopping);
        await using var withoutChecksum = await ServerProcess.StartAsync(
            ServerName.WithoutChecksum,
            stopping
        );
        await using var kestrel = await ServerProcess.StartAsync(ServerName.Kestrel, stopping);
        await using var broker =
            isWanted(Goals.BrokerOne) || isWanted(Goals.BrokerMany)
                ? await BrokerProcess.StartAsync(workspace, server.Url, stopping)
                : null;
        var runner = new Runner(server, broker?.Address, stopping);
        var runners = new Dictionary<string, Runner>
        {
            [ServerName.Bare] = runner,
            [ServerName.WithoutChecksum] = new(withoutChecksum, null, stopping),
            [ServerName.Kestrel] = new(kestrel, null, stopping),
        };
        var contests = new List<ContestResult>();
        foreach (var contest in Contest.All(scale).Where(contest => isWanted(contest.Name)))
        {
            if (workspace.ProblemOf(contest.Size, out var fits) is { } problem)
                notes.Add(problem);
            if (fits)
                contests.Add(
                    await contest.RunAsync(scale, workspace, runners[contest.Server], Say, stopping)
                );
        }

        var sizes = isWanted(SizeGrowth.Name)
            ? await SizeGrowth.RunAsync(scale, workspace, runner, Say, notes, stopping)
            : [];
        var count = isWanted(CountGrowth.Name)
            ? await CountGrowth.RunAsync(scale, workspace, server, Say, stopping)
            : null;
        return new BenchReport
        {
            Machine = machine,
            Quick = scale.Quick,
            Notes = notes,
            Contests = contests,
            Sizes = sizes,
            Count = count,
            Goals = Goals.Judge(contests, sizes, count),
        };
    }

    private static void Say(string what) => Console.Error.WriteLine($"[{DateTime.Now:HH:mm:ss}] {what}");
}
