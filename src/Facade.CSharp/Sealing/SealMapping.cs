using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;

namespace CellOS.Export.S3.Sealing;

/// <summary>From a run to what its seal states.</summary>
internal static class SealMapping
{
    /// <param name="run">The run.</param>
    /// <param name="last">The line before its seal; null for the first line.</param>
    /// <param name="version">The program that exported.</param>
    internal static SealStatement ToStatement(ExportSealRun run, SealHead? last, string version) =>
        new(
            run.RunId,
            run.CellId,
            run.TargetName,
            (last?.Count ?? 0) + 1,
            CoreMapping.ToOption(last?.Sha256),
            run.StartedAt,
            run.FinishedAt,
            run.IsInterrupted ? SealOutcome.Interrupted : SealOutcome.Completed,
            run.Planned ?? run.Results.Count + run.Skipped,
            run.Skipped,
            ListModule.OfSeq(
                run.Results.Where(result => result.IsExported)
                    .Select(result => CoreMapping.ToCore(result.Receipt!))
            ),
            ListModule.OfSeq(
                run.Results.Where(result => !result.IsExported).Select(CoreMapping.ToFailureReport)
            ),
            version
        );
}
