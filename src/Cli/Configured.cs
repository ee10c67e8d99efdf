using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli;

/// <summary>A spec, a cell id and the environment of this process, as the command line names them.</summary>
internal static class Configured
{
    /// <param name="spec">The path of the spec.</param>
    /// <param name="target">The one target that matters; null for all.</param>
    /// <exception cref="S3ExportConfigurationException">The spec cannot be read, or is wrong, or has no such target.</exception>
    internal static S3ExportSpec Load(string spec, string? target)
    {
        var loaded = S3ExportSpec.Load(spec);
        return target is null ? loaded : loaded.Only(target);
    }

    /// <summary>What is wrong with a cell id; null if nothing is, or none was given.</summary>
    internal static S3ExportProblem? ProblemOfCellId(string? cellId) =>
        cellId is not null && CellIdModule.Create(cellId) is { IsError: true } refused
            ? new S3ExportProblem { Text = $"--cell-id: {refused.ErrorValue.Message}" }
            : null;
}
