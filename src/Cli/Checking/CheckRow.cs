using System.Globalization;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>A row of the report: a setting, its value, and where that came from.</summary>
internal sealed record CheckRow(string Setting, string Value, string From)
{
    /// <summary>The settings of a target, and when its URL expires.</summary>
    internal static IEnumerable<CheckRow> Of(S3ExportTargetReport target)
    {
        var settings = target.Settings.Select(Of);
        if (target.Kind != ExportTargetKind.S3)
            return settings.Prepend(new CheckRow("kind", KindOf(target), "spec"));
        return target.Expiry is { } expiry
            ? settings.Append(new CheckRow("urlExpires", expiry, "URL"))
            : settings;
    }

    /// <summary>The word of a spec for the kind of a target.</summary>
    internal static string KindOf(S3ExportTargetReport target) =>
        target.Kind switch
        {
            ExportTargetKind.Local => Core.TargetKind.Local.Word,
            ExportTargetKind.Http => Core.TargetKind.Http.Word,
            _ => Core.TargetKind.S3.Word,
        };

    /// <summary>What a source of URLs gave for the probe.</summary>
    internal static IEnumerable<CheckRow> Of(UrlProbe probe)
    {
        yield return new("artifact", probe.Destination, "probe");
        if (probe.Url is { } url)
        {
            yield return new("url", url, "source");
            yield return new("signature", probe.Signature ?? "none", "URL");
            yield return new("signedHeaders", Words(probe.SignedHeaders), "URL");
            yield return new("headers", Words(probe.Headers), "upload");
        }

        if (probe.ExpiresAt is { } at)
            yield return new(
                "expires",
                at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                "URL"
            );
        if (probe.Problem is { } problem)
            yield return new("problem", Core.Shown.Line(problem), "probe");
    }

    private static string Words(IReadOnlyList<string> words) =>
        words.Count == 0 ? "none" : string.Join(", ", words);

    internal static CheckRow Of(S3ExportSetting setting) =>
        new(
            setting.Name,
            setting.Value,
            setting is { Origin: S3ExportOrigin.Variable, Variable: { } variable }
                ? variable
                : ResolutionMapping.Word(setting.Origin)
        );
}
