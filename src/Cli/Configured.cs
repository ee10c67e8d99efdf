namespace CellOS.Export.S3.Cli;

/// <summary>A spec and the environment of this process.</summary>
internal static class Configured
{
    /// <param name="spec">The path of the spec.</param>
    /// <param name="cellId">The cell; null if it is not known.</param>
    /// <param name="target">The one target that matters; null for all.</param>
    /// <exception cref="S3ExportConfigurationException">The spec cannot be read, or is wrong.</exception>
    /// <exception cref="RefusedException">The cell id is none.</exception>
    internal static S3ExportConfiguration Resolve(string spec, string? cellId, string? target)
    {
        var loaded = S3ExportSpec.Load(spec);
        if (target is not null)
            loaded = loaded.Only(target);
        try
        {
            return S3ExportConfiguration.Resolve(loaded, cellId);
        }
        catch (ArgumentException exception)
        {
            throw new RefusedException($"--cell-id: {exception.Message}");
        }
    }
}
