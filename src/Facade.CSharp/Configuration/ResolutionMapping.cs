using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>From the core's resolution to this assembly's report of it. It decides nothing.</summary>
internal static class ResolutionMapping
{
    internal static S3ExportTargetReport ToReport(TargetReport report, DateTimeOffset now) =>
        new()
        {
            Name = TargetNameModule.Value(report.Name),
            IsUsable = FSharpOption<TargetSettings>.get_IsSome(report.Settings),
            Settings = [.. report.Values.Select(ToSetting)],
            ExpiresAt = report.ExpiresAt?.Value,
            Expiry = report.ExpiresAt is { } at ? Settings.ExpiryInWords(now, at.Value) : null,
        };

    internal static S3ExportTargetReport ToReport(PlainReport report) =>
        new()
        {
            Name = report.Name is { Value: var name } ? TargetNameModule.Value(name) : "",
            Kind = report.Kind.IsLocal ? ExportTargetKind.Local : ExportTargetKind.Http,
            IsUsable = FSharpOption<PlainSettings>.get_IsSome(report.Settings),
            Settings = [.. report.Values.Select(ToSetting)],
        };

    internal static S3ExportSetting ToSetting(EffectiveValue value) =>
        new()
        {
            Name = value.Name,
            Value = value.Value,
            Origin = value.Origin.Tag switch
            {
                Origin.Tags.Variable => S3ExportOrigin.Variable,
                Origin.Tags.Spec => S3ExportOrigin.Spec,
                Origin.Tags.Provider => S3ExportOrigin.Provider,
                _ => S3ExportOrigin.Default,
            },
            Variable = value.Variable?.Value,
        };

    internal static S3ExportSeverity ToSeverity(Severity severity) =>
        severity.Tag switch
        {
            Severity.Tags.Error => S3ExportSeverity.Error,
            Severity.Tags.Warning => S3ExportSeverity.Warning,
            _ => S3ExportSeverity.Advice,
        };

    /// <summary>The word for it in reports: that of the core, in lower case.</summary>
    internal static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    internal static S3ExportFinding ToFinding(Finding finding) =>
        new()
        {
            Id = finding.Id,
            Severity = ToSeverity(finding.Severity),
            Target = finding.Target?.Value,
            Variable = finding.Variable,
            What = finding.What,
            Remedy = finding.Remedy,
            Message = finding.Message,
        };
}
