using CellOS.Export.S3.Cli.Files;
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
        var loaded = ExportSpec.Load(spec).Route(environment: null);
        return target is null ? loaded : loaded.Only(target);
    }

    /// <summary>Reads a spec, as a push needs it.</summary>
    /// <param name="spec">The path of the spec.</param>
    /// <param name="target">The one target that matters; null for all.</param>
    /// <param name="note">A sentence with the number of artifacts for other targets; null if there are none.</param>
    /// <exception cref="S3ExportConfigurationException">The spec cannot be read, or is wrong, or has no such target.</exception>
    internal static S3ExportSpec Load(string spec, string? target, out string? note)
    {
        var loaded = Load(spec, null);
        note = null;
        if (target is null)
            return loaded;

        var only = loaded.Only(target);
        var left = loaded.AllArtifacts.Count + loaded.OtherArtifacts.Count - only.AllArtifacts.Count;
        if (left > 0)
            note =
                $"The spec lists {ShownNames.Artifacts(left)} for other targets than '{Shown.Name(target)}', not exported because of --target. Run the command once for each target to export all.";
        return only;
    }

    /// <summary>The cell that is exported.</summary>
    /// <param name="cellId">The given one, which is valid; null for that of the spec.</param>
    /// <param name="spec">The spec.</param>
    /// <param name="what">What needs a cell, at the beginning of a sentence.</param>
    /// <exception cref="RefusedException">Neither is known.</exception>
    internal static string CellId(string? cellId, S3ExportSpec spec, string what) =>
        cellId
        ?? spec.Id
        ?? throw new RefusedException(
            $"{what} needs --cell-id ID, or an 'id' below 'spec' in the cell spec: the cell is a part of the key."
        );

    /// <summary>What is wrong with a cell id; null if nothing is, or none was given.</summary>
    internal static S3ExportProblem? ProblemOfCellId(string? cellId) =>
        cellId is not null && CellIdModule.Create(cellId) is { IsError: true } refused
            ? new S3ExportProblem { Text = $"--cell-id: {refused.ErrorValue.Message}" }
            : null;
}
