namespace CellOS.Export;

/// <summary>
/// Makes the sinks of cells, for a service that exports for many of them. The sinks of all cells share their connections. Any
/// number of threads may use a factory at once. A container has one after
/// <c>AddExportSinkFactory</c>, <c>AddExportSinks</c> or <c>AddS3ExportSinks</c>.
/// </summary>
public interface IExportSinkFactory
{
    /// <summary>
    /// Makes the sinks of a cell. Targets and settings are those of the host's start. Manifests, token files and the CA bundle
    /// are read anew for each call, and checked against the cell; connections keep the CA bundle with which they were made.
    /// </summary>
    /// <param name="cellId">
    /// The cell whose evidence this is: one path segment, at most 255 UTF-8 bytes, no <c>/</c>, <c>\</c> or control character, not
    /// <c>.</c> or <c>..</c>.
    /// </param>
    /// <returns>
    /// The sinks, by the names of their targets. The caller disposes of them when the exports of the cell have ended, which ends
    /// the URL commands that they started, and no connection that others share.
    /// </returns>
    /// <exception cref="ArgumentException">The cell id is not valid.</exception>
    /// <exception cref="S3.S3ExportConfigurationException">
    /// Targets or settings cannot be used for this cell: a URL is for another one, for example. The exception lists all that is
    /// wrong.
    /// </exception>
    S3.ExportSinks Create(string cellId);
}
