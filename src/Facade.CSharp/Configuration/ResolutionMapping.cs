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
                Origin.Tags.Variable => "variable",
                Origin.Tags.Spec => "spec",
                Origin.Tags.Provider => "provider",
                _ => "default",
            },
            Variable = value.Variable?.Value,
        };

    internal static S3ExportFinding ToFinding(Finding finding) =>
        new()
        {
            Id = finding.Id,
            Severity = finding.Severity.Name,
            IsWarning = !finding.Severity.IsAdvice,
            Target = finding.Target?.Value,
            Variable = finding.Variable,
            What = finding.What,
            Remedy = finding.Remedy,
            Message = finding.Message,
        };
}
