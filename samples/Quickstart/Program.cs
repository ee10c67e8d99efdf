// One program, two roles: the operator, who has the keys, starts the broker and the exporter; the exporter has none.
using System.Runtime.InteropServices;
using System.Text;
using Amazon.Runtime;
using Quickstart;

const string Usage = """
    Usage: Quickstart [--keep[=TIME]] [FOLDER]

    Pushes every file of the folder, or of a small evidence bundle of its own, to an S3 on the loopback, and
    reads each one back. The URLs come from the broker in samples/Broker. To use another S3, set QUICKSTART_ENDPOINT,
    QUICKSTART_REGION, QUICKSTART_BUCKET, QUICKSTART_ACCESS_KEY and QUICKSTART_SECRET_KEY.

    --keep leaves the S3 on loopback and a broker running for an hour, or for TIME (such as 30m or 90s).
    """;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var stopping = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    switch (args)
    {
        case [ExporterProcess.Role]:
            return await Exporter.RunAsync(stopping.Token);
        case ["-h" or "--help"]:
            Console.WriteLine(Usage);
            return 0;
        case [var option, .. var rest] when rest.Length <= 1 && KeptStore.ParseTime(option) is { } time:
            return await Operator.RunAsync(rest.FirstOrDefault(), time, stopping.Token);
        case [var option, ..] when option.StartsWith('-'):
            throw new UsageException($"There is no option {option}. The options are --keep and --help.");
        case [] or [_]:
            return await Operator.RunAsync(args.FirstOrDefault(), null, stopping.Token);
        default:
            throw new UsageException("There is at most one argument: the folder to export.");
    }
}
catch (UsageException misuse)
{
    Console.Error.WriteLine(misuse.Message);
    return 2;
}
catch (AmazonClientException refusal)
{
    Console.Error.WriteLine($"The AWS SDK does not presign for these settings: {refusal.Message}.");
    return 2;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    if (args is not [ExporterProcess.Role])
        Console.Error.WriteLine("Stopped. Objects that were stored by then stay where they are.");
    return 130;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
