using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CellOS.Export.S3.Bench.Report;

namespace CellOS.Export.S3.Bench.Running;

/// <summary><c>verify</c> over a folder of files, side by side with <c>sha256sum</c>, or another program, over the same files on all processors.</summary>
internal static class VerifyCommand
{
    private const string Names = "evidence";

    /// <returns>0 if it ran, whatever came out.</returns>
    internal static async Task<int> RunAsync(ReadOnlyMemory<string> arguments)
    {
        var options = new Options(arguments.Span);
        var files = (int)options.Whole("--files", 1000);
        var size = (int)options.Whole("--size", 10L * (1 << 30) / 1000);
        var rounds = (int)options.Whole("--rounds", 5);
        // A native program, or the build of this one.
        string[] tool = options.Text("--tool") is { } program
            ? [program]
            : ["dotnet", Repository.CommandLineTool];
        var peerCommand = options.Text("--peer") ?? "sha256sum";
        options.EnsureNothingElse();

        using var workspace = new Workspace();
        if (workspace.ProblemOf((long)files * size, out var fits) is { } problem)
            await Console.Error.WriteLineAsync(problem);
        if (!fits)
            return 1;
        var folder = workspace.AddFolder(Names, files, size, CancellationToken.None);
        var receipts = workspace.AddText("receipts.jsonl", Receipts(folder));
        string[] verify = [.. tool, "verify", "--receipts", receipts, "--bundle", folder];
        string[] peer =
        [
            "sh",
            "-c",
            $"find \"$0\" -type f -print0 | xargs -0 -n 8 -P {Environment.ProcessorCount} {peerCommand}",
            folder,
        ];

        // Each once, so that the page cache has the files for both.
        await TakeAsync(peer);
        await TakeAsync(verify);
        var pairs = new List<(double? Ours, double? Theirs)>();
        for (var round = 0; round < rounds; round++)
        {
            var (ours, theirs) = (0.0, 0.0);
            foreach (var isOurs in round % 2 == 0 ? new[] { true, false } : [false, true])
                if (isOurs)
                    ours = await TakeAsync(verify);
                else
                    theirs = await TakeAsync(peer);
            pairs.Add((ours, theirs));
            Console.WriteLine(Line($"round {round + 1}", ours, theirs, theirs / ours));
        }

        var ratio = Spread.OfPairs(pairs, (ours, theirs) => theirs / ours)!;
        Console.WriteLine(
            Line(
                "median",
                Spread.Of(pairs.Select(pair => pair.Ours!.Value)).Median,
                Spread.Of(pairs.Select(pair => pair.Theirs!.Value)).Median,
                ratio.Median
            )
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Table.Bytes((long)files * size)} in {files} files; the ratio was {ratio.Min:0.00} to {ratio.Max:0.00}"
            )
        );
        return 0;
    }

    private static string Line(string what, double ours, double theirs, double ratio) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what, -8} verify {ours, 7:0.00} s   peer {theirs, 7:0.00} s   {ratio:0.00} x"
        );

    /// <summary>The receipts of the files, with nothing but what a receipt must have.</summary>
    private static string Receipts(string folder)
    {
        var lines = new StringBuilder();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var file = File.OpenRead(path);
            var name = Path.GetRelativePath(folder, path);
            lines.Append(
                CultureInfo.InvariantCulture,
                $$"""
                {"targetKind":"s3","destination":"s3://evidence/cell-7/{{name}}","bytesWritten":{{file.Length}},"cellId":"cell-7","artifactName":"{{name}}","sha256":"{{Convert.ToHexStringLower(
                    SHA256.HashData(file)
                )}}","integrity":"etag-md5","attempts":1,"startedAt":"2026-05-01T12:00:00.000Z","completedAt":"2026-05-01T12:00:01.000Z"}

                """
            );
        }

        return lines.ToString();
    }

    /// <summary>Runs a command, and returns its seconds.</summary>
    private static async Task<double> TakeAsync(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        return process.ExitCode == 0
            ? seconds
            : throw new FailedException(
                $"{command[0]} ended with {process.ExitCode}: {output.Trim()} {(await errors).Trim()}"
            );
    }
}
