namespace CellOS.Export.S3.Bench;

/// <summary>The command line cannot be used; the message says why.</summary>
internal sealed class UsageException(string message) : Exception(message);
