namespace CellOS.Export.S3.Cli.Streams;

/// <summary>Standard output or standard error did not take what was written to it.</summary>
internal sealed class LostOutputException(string stream, string reason)
    : IOException($"{stream} takes no more: {reason}.");
