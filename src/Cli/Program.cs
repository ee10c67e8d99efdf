using CellOS.Export.S3.Cli;
using CellOS.Export.S3.Cli.Checking;

return await Tool.RunAsync(
    args,
    new Handlers(
        (arguments, _) => Task.FromResult(Checker.Run(arguments, Console.Out, Console.Error)),
        (_, _) => throw new NotSupportedException("push")
    ),
    Console.Out,
    Console.Error
);
