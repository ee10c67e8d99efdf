using CellOS.Export.S3.Cli;

return await Tool.RunAsync(
    args,
    new Handlers(
        (_, _) => throw new NotSupportedException("check"),
        (_, _) => throw new NotSupportedException("push")
    ),
    Console.Out,
    Console.Error
);
