using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Checking;
using CellOS.Export.S3.Cli.Pushing;

return Tool.RunAsync(
        args,
        new Handlers(
            arguments => Checker.Run(arguments, Console.Out, Console.Error),
            (arguments, token) => Pusher.RunAsync(arguments, Console.Out, Console.Error, token)
        ),
        Console.Out,
        Console.Error
    )
    .GetAwaiter()
    .GetResult();
