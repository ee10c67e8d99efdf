namespace CellOS.Export.S3.Cli.Streams;

/// <summary>Standard output or standard error could not be written.</summary>
internal sealed class LostOutputException(string stream, string reason)
    : IOException($"{stream} cannot be written: {reason}.");
