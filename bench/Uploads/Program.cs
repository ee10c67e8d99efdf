using CellOS.Export.S3.Bench.Measuring;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench;

/// <summary>The benchmark of the uploader against its peers; one program, and each of its processes a command of it.</summary>
internal static class Program
{
    private const string Usage = """
        usage: Uploads serve
                 drains uploads on loopback until its standard input ends
               Uploads run PEER --source PATH --size BYTES --count N --url URL [--concurrency C]
                           [--digests both|sha256|none] [--warm-up FILE]
                 one measurement in this process, as a line of JSON
                 PEER: sink, sink-template, plain, digests, awssdk or curl
        """;

    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            return arguments switch
            {
                ["serve"] => await Serve.RunAsync(),
                ["run", .. var rest] => await RunCommand.RunAsync(rest),
                ["help" or "--help" or "-h"] => Help(),
                _ => throw new UsageException($"There is no command '{arguments.FirstOrDefault()}'."),
            };
        }
        catch (UsageException exception)
        {
            await Console.Error.WriteLineAsync($"Uploads: {exception.Message}\n\n{Usage}");
            return 2;
        }
    }

    private static int Help()
    {
        Console.WriteLine(Usage);
        return 0;
    }
}
