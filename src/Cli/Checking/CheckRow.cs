namespace CellOS.Export.S3.Cli.Checking;

/// <summary>A row of the report: a setting, its value, and where that came from.</summary>
internal sealed record CheckRow(string Setting, string Value, string From)
{
    /// <summary>The settings of a target, and when its URL expires.</summary>
    internal static IEnumerable<CheckRow> Of(S3ExportTargetReport target)
    {
        var settings = target.Settings.Select(Of);
        return target.Expiry is { } expiry
            ? settings.Append(new CheckRow("urlExpires", expiry, "URL"))
            : settings;
    }

    internal static CheckRow Of(S3ExportSetting setting) =>
        new(
            setting.Name,
            setting.Value,
            setting.Origin == "variable" ? setting.Variable ?? setting.Origin : setting.Origin
        );
}
