using System.Runtime.CompilerServices;
using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Checking;
using CellOS.Export.S3.Cli.Draining;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Streams;
using CellOS.Export.S3.Cli.Verifying;

// First: what is opened before it may take the place of standard output.
var isClosed = StandardDescriptors.Occupy();
ProcessLimits.ReportFileSize();
if (ProcessLimits.Problem() is { } tooLow)
{
    ProcessLimits.Say(tooLow);
    return ExitCode.Refused;
}

try
{
    return Run(args, isClosed);
}
// The last resort: by default the runtime shows a stack trace and ends with 134. The message may quote anything.
catch (Exception exception)
{
    ProcessLimits.Say(
        $"Unexpected {exception.GetType().Name}. What has a receipt is exported. Run the same command again, with --resume if it had --receipts. If it fails again, report it with the version of this tool."
    );
    return ExitCode.Failed;
}

// Apart, so that its libraries are loaded after the limits were looked at.
[MethodImpl(MethodImplOptions.NoInlining)]
static int Run(string[] args, bool[] isClosed)
{
    var interruption = CancellationToken.None;

    // The console's own is what tells a library whether it writes to a terminal.
    Console.SetOut(StandardDescriptors.Writer(1, isClosed[1], () => interruption));
    var output = Console.Out;
    var error = new UnfailingError(() => StandardDescriptors.Writer(2, isClosed[2], () => interruption));

    string[] problems =
    [
        .. RawArguments.Problems(args),
        .. RawEnvironment.Problems(),
        .. WorkingFolder.Problem() is { } problem ? [problem] : Array.Empty<string>(),
    ];
    if (problems.Length > 0)
        return Tool.Refuse(problems, error);

    return Tool.RunAsync(
            args,
            new Handlers(
                arguments => Checker.Run(arguments, output, error),
                (arguments, token) =>
                {
                    interruption = token;
                    return Pusher.RunAsync(arguments, output, error.Install(), token);
                },
                (arguments, token) =>
                {
                    interruption = token;
                    return Drainer.RunAsync(arguments, output, error.Install(), token);
                },
                (arguments, token) =>
                {
                    interruption = token;
                    return Verifier.RunAsync(arguments, output, error.Install(), token);
                }
            ),
            output,
            error
        )
        .GetAwaiter()
        .GetResult();
}
