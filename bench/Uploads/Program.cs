using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Plot;
using CellOS.Export.S3.Bench.Running;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench;

/// <summary>The benchmark of the uploader against its peers; one program, and each of its processes a command of it.</summary>
internal static class Program
{
    private const string Usage = """
        usage: Uploads [--quick] [--rounds N] [--only NAME] [--json FILE]
                 all of it, side by side; NAME is large, large-md5, large-kestrel (not with --quick), small-1,
                 small-16, broker-1, broker-16, size or count
               Uploads plot JSON SVG
                 draws how cost grows, from the JSON of a run
               Uploads verify [--files N] [--size BYTES] [--rounds N] [--tool PROGRAM] [--peer COMMAND]
                 verify over the files of a folder, beside COMMAND on all processors, sha256sum by default; 10 GiB in 1,000 files
               Uploads run PEER --source PATH --size BYTES (--count N | --milliseconds N) --url URL
                           [--concurrency C] [--digests CHOICE] [--warm-up FILE]
                           [--broker unix:PATH --broker-token FILE --broker-process ID]
                 one measurement in this process, as a line of JSON
                 PEER is sink, sink-template, sink-manifest, sink-broker, plain, digests, awssdk or curl;
                 CHOICE is both, sha256, md5 or none; for the sink verify, bound or off
               Uploads serve [kestrel|without-checksum]
                 drains uploads on loopback until its standard input ends
        """;

    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            return arguments switch
            {
                ["serve"] => await Serve.RunAsync(reportsChecksum: true),
                ["serve", ServerName.WithoutChecksum] => await Serve.RunAsync(reportsChecksum: false),
                ["serve", ServerName.Kestrel] => await KestrelServer.RunAsync(),
                ["run", .. var rest] => await RunCommand.RunAsync(rest),
                ["help" or "--help" or "-h"] => Help(),
                ["verify", ..] => await VerifyCommand.RunAsync(arguments.AsMemory(1)),
                ["plot", var json, var svg] => PlotCommand.Run(json, svg),
                [] or [['-', ..], ..] => await BenchCommand.RunAsync(arguments),
                _ => throw new UsageException($"There is no command '{string.Join(' ', arguments)}'."),
            };
        }
        catch (UsageException exception)
        {
            await Console.Error.WriteLineAsync($"Uploads: {exception.Message}\n\n{Usage}");
            return 2;
        }
        catch (FailedException exception)
        {
            await Console.Error.WriteLineAsync($"Uploads: {exception.Message}");
            return 1;
        }
    }

    private static int Help()
    {
        Console.WriteLine(Usage);
        return 0;
    }
}
