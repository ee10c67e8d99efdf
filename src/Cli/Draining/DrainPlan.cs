using System.Runtime.Versioning;
using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Spooling;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Draining;

/// <summary>What a drain exports, and what it cannot export. Nothing is sent before it is made.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DrainPlan : IDisposable
{
    private readonly List<SpoolDrain> _drains = [];
    private readonly List<DrainPart> _parts = [];
    private readonly List<(SpoolDrain Drain, SpoolItem Item)> _refused = [];

    private DrainPlan(DrainScope scope, string? specId) => (Scope, SpecId) = (scope, specId);

    /// <summary>The cell that the spec is for; null if it does not say.</summary>
    internal string? SpecId { get; }

    /// <summary>What is asked for.</summary>
    internal DrainScope Scope { get; }

    /// <summary>The spools; one that is not there keeps nothing, and is left out.</summary>
    internal IReadOnlyList<SpoolDrain> Drains => _drains;

    /// <summary>What is exported, cell by cell.</summary>
    internal IReadOnlyList<DrainPart> Parts => _parts;

    /// <summary>The entries that stay, with the reasons.</summary>
    internal IReadOnlyList<(SpoolDrain Drain, SpoolItem Item)> Refused => _refused;

    /// <summary>The number of entries that are not asked for.</summary>
    internal int Left { get; private set; }

    /// <summary>Opens and lists the spools.</summary>
    /// <exception cref="RefusedException">Command, configuration or a spool cannot be used.</exception>
    internal static DrainPlan Make(DrainArguments arguments, CancellationToken cancellationToken)
    {
        try
        {
            var spec = Configured.Load(arguments.Run.Spec, arguments.Run.Target);
            var configuration = S3ExportConfiguration.Resolve(spec.WithSpooled([]), arguments.Run.CellId);
            configuration.ThrowIfRefused();
            var plan = new DrainPlan(ScopeOf(spec, configuration, arguments.Run.Target), spec.Id);
            try
            {
                plan.Add(spec, Folders(arguments, configuration), cancellationToken);
            }
            catch
            {
                plan.Dispose();
                throw;
            }

            return plan;
        }
        catch (S3ExportConfigurationException refused)
        {
            throw new RefusedException([.. refused.Problems.Select(problem => problem.ToString())]);
        }
        catch (SpoolRefusedException refused)
        {
            throw new RefusedException(refused.Message);
        }
    }

    public void Dispose()
    {
        foreach (var drain in _drains)
            drain.Dispose();
    }

    private void Add(S3ExportSpec spec, IReadOnlyList<string> folders, CancellationToken cancellationToken)
    {
        foreach (var folder in folders)
        {
            if (SpoolDrain.TryOpen(folder) is not { } drain)
                continue;
            _drains.Add(drain);
            var items = drain.List(Scope, cancellationToken);
            Left += items.Count(item => item.Step.IsLeave);
            _refused.AddRange(items.Where(item => item.Step.IsRefuse).Select(item => (drain, item)));
            foreach (
                var cell in items
                    .Where(item => !item.Step.IsLeave && !item.Step.IsRefuse)
                    .GroupBy(item => CellIdModule.Value(item.Note!.CellId), StringComparer.Ordinal)
            )
            {
                var configuration = S3ExportConfiguration.Resolve(
                    spec.WithSpooled(cell.Select(item => item.Note!)),
                    cell.Key
                );
                configuration.ThrowIfRefused();
                _parts.Add(new DrainPart(drain, cell.Key, [.. cell], configuration));
            }
        }
    }

    private static DrainScope ScopeOf(S3ExportSpec spec, S3ExportConfiguration configuration, string? target)
    {
        List<DrainSink> sinks =
        [
            .. spec.Core.Targets.Select(known => new DrainSink(
                FSharpOption<TargetName>.Some(known.Name),
                Core.TargetKind.S3
            )),
            .. spec.Core.PlainTargets.Select(known => new DrainSink(
                FSharpOption<TargetName>.Some(known.Name),
                known.Kind
            )),
            .. spec.Core.Fallback is { Value: var fallback }
                ? [new DrainSink(null, fallback)]
                : Array.Empty<DrainSink>(),
        ];
        return new DrainScope(
            ListModule.OfSeq(sinks),
            target is null
                ? null
                : FSharpOption<DrainTarget>.Some(
                    new DrainTarget(CoreMapping.ToOption(TargetNameModule.Create(target).ResultValue), null)
                ),
            CoreMapping.ToOption(configuration.Cell)
        );
    }

    private static IReadOnlyList<string> Folders(
        DrainArguments arguments,
        S3ExportConfiguration configuration
    )
    {
        if (arguments.Spool is { } spool)
            return Directory.Exists(spool)
                ? [LocalExportSink.AbsolutePath(spool)!]
                : throw new RefusedException(
                    $"--spool: there is no folder '{Shown.Short(200, spool)}'. Give the folder that push kept artifacts in."
                );
        return configuration.SpoolFolders is { Count: > 0 } folders
            ? folders
            : throw new RefusedException(
                $"No target has a spool. Give the folder with --spool DIR, or name it in {Variable.SpoolDir}… ({Variable.HttpSpoolDir}… for a target of kind http)."
            );
    }
}
