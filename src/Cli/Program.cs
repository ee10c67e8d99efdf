using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Checking;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Streams;

var error = new UnfailingError(() => Console.Error);

return Tool.RunAsync(
        args,
        new Handlers(
            arguments => Checker.Run(arguments, Console.Out, error),
            (arguments, token) =>
                Pusher.RunAsync(arguments, ResultsOutput.OfProcess(), error.Install(), token)
        ),
        Console.Out,
        error
    )
    .GetAwaiter()
    .GetResult();
