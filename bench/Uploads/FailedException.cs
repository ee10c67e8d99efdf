namespace CellOS.Export.S3.Bench;

/// <summary>A run failed, or did not deliver what it claims: there are no figures. The message says which and why.</summary>
internal sealed class FailedException(string message) : Exception(message);
