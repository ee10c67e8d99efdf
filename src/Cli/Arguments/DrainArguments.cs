namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What <c>drain</c> was asked to do.</summary>
/// <param name="Run">What it has in common with a push, without PATHs.</param>
/// <param name="Spool">The folder of the spool; null for those of the targets.</param>
internal sealed record DrainArguments(PushArguments Run, string? Spool);
