using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Checking;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Streams;

// First: what is opened before it may take the place of standard output.
var isClosed = StandardDescriptors.Occupy();

// The console's own is what tells a library whether it writes to a terminal.
Console.SetOut(StandardDescriptors.Writer(1, isClosed[1]));
var output = Console.Out;
var error = new UnfailingError(() => StandardDescriptors.Writer(2, isClosed[2]));

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
            (arguments, token) => Pusher.RunAsync(arguments, output, error.Install(), token)
        ),
        output,
        error
    )
    .GetAwaiter()
    .GetResult();
