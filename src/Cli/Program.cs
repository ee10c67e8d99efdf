using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Checking;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Cli.Streams;

// The libraries that write there find it by Console.Error.
Console.SetError(new UnfailingError(Console.Error));

return Tool.RunAsync(
        args,
        new Handlers(
            arguments => Checker.Run(arguments, Console.Out, Console.Error),
            (arguments, token) => Pusher.RunAsync(arguments, ResultsOutput.OfProcess(), Console.Error, token)
        ),
        Console.Out,
        Console.Error
    )
    .GetAwaiter()
    .GetResult();
