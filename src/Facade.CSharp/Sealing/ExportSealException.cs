namespace CellOS.Export.S3;

/// <summary>
/// A key or a file of seals cannot be used, or a run could not be sealed: what happened, where, and what to do. It holds no
/// secret. The receipts of the run are not affected.
/// </summary>
/// <param name="message">The message.</param>
public sealed class ExportSealException(string message) : Exception(message);
