using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CellOS.Export.S3.Spooling;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>The report for machines: one JSON object. What is unknown is left out.</summary>
internal static class CheckJson
{
    // No HTML: only what JSON asks for is escaped.
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal static string Render(string spec, CheckReport report)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("spec", Core.Shown.Line(Core.Redaction.Plain(spec)));
            json.WriteBoolean("usable", report.Problems.Count == 0);
            Write(json, "shard", report.Shard?.ToString());
            if (report.Configuration is { } configuration)
                Write(json, configuration, report);
            if (report.Artifacts.Count > 0)
                Write(json, "artifacts", report.Artifacts, Write);
            if (report.Spools.Count > 0)
                Write(json, "spools", report.Spools, Write);
            if (report.Probes.Count > 0)
                Write(json, "probes", report.Probes, Write);
            Write(json, "problems", report.Problems, Write);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, S3ExportConfiguration configuration, CheckReport report)
    {
        json.WriteBoolean("allCanBeExported", report.IsGood);
        json.WriteBoolean("strict", configuration.IsStrict);
        Write(json, "targets", configuration.Targets, Write);
        Write(
            json,
            "otherTargets",
            configuration.Spec.OtherTargets,
            (to, other) =>
            {
                to.WriteString("name", other.Name);
                to.WriteString("kind", Core.Shown.Name(other.Kind));
            }
        );
        Write(
            json,
            "otherArtifacts",
            configuration.Spec.OtherArtifacts,
            (to, name) => to.WriteString("name", name)
        );
        Write(json, "settings", configuration.Globals, Write);
        Write(json, "findings", report.Findings, Write);
    }

    /// <summary>The name and the key as they are: a presigner signs them.</summary>
    private static void Write(Utf8JsonWriter json, CheckedArtifact artifact)
    {
        json.WriteString("target", artifact.Target);
        json.WriteString("name", artifact.Name);
        Write(json, "bucket", artifact.Bucket);
        Write(json, "key", artifact.Key);
        Write(json, "destination", artifact.Destination);
        json.WriteNumber("bytes", artifact.Bytes);
        Write(json, "problem", artifact.Problem);
    }

    private static void Write(Utf8JsonWriter json, SpoolSurvey spool)
    {
        json.WriteString("folder", Core.FilePath.Show(spool.Folder));
        json.WriteNumber("artifacts", spool.Artifacts);
        json.WriteNumber("bytes", spool.Bytes);
        if (spool.Oldest is { } oldest)
            json.WriteString("oldest", Moment(oldest));
        Write(
            json,
            "problems",
            [.. spool.Problems, .. spool.Refusal is { } refusal ? [refusal] : Array.Empty<string>()]
        );
    }

    private static string Moment(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static void Write(Utf8JsonWriter json, UrlProbe probe)
    {
        json.WriteString("target", probe.Target);
        json.WriteString("destination", probe.Destination);
        Write(json, "url", probe.Url);
        if (probe.Url is not null)
        {
            Write(json, "signature", probe.Signature);
            Write(json, "signedHeaders", probe.SignedHeaders);
            Write(json, "headers", probe.Headers);
        }

        if (probe.ExpiresAt is { } at)
            json.WriteString("expiresAt", Moment(at));
        Write(json, "problem", probe.Problem);
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, S3ExportTargetReport target)
    {
        json.WriteString("name", target.Name);
        if (target.Kind != ExportTargetKind.S3)
            json.WriteString("kind", CheckRow.KindOf(target));
        if (target.Name.Length == 0)
            json.WriteBoolean("default", true);
        json.WriteBoolean("usable", target.IsUsable);
        if (target.ExpiresAt is { } at)
        {
            json.WriteString("urlExpiresAt", Moment(at));
            json.WriteString("urlExpires", target.Expiry);
        }

        Write(json, "settings", target.Settings, Write);
    }

    private static void Write(Utf8JsonWriter json, S3ExportSetting setting)
    {
        json.WriteString("name", setting.Name);
        json.WriteString("value", setting.Value);
        json.WriteString("origin", ResolutionMapping.Word(setting.Origin));
        Write(json, "variable", setting.Variable);
    }

    private static void Write(Utf8JsonWriter json, S3ExportFinding finding)
    {
        json.WriteString("id", finding.Id);
        json.WriteString("severity", ResolutionMapping.Word(finding.Severity));
        Write(json, "target", finding.Target);
        json.WriteString("variable", finding.Variable);
        json.WriteString("what", finding.What);
        json.WriteString("remedy", finding.Remedy);
    }

    private static void Write(Utf8JsonWriter json, S3ExportProblem problem)
    {
        Write(json, "file", problem.File is { } file ? Core.Shown.Line(Core.Redaction.Plain(file)) : null);
        if (problem.Line is { } line)
            json.WriteNumber("line", line);
        Write(json, "target", problem.Target);
        Write(json, "variable", problem.Variable);
        json.WriteString("severity", ResolutionMapping.Word(S3ExportSeverity.Error));
        json.WriteString("text", problem.Text);
    }

    private static void Write(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    private static void Write<T>(
        Utf8JsonWriter json,
        string name,
        IReadOnlyList<T> items,
        Action<Utf8JsonWriter, T> write
    )
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(json, item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
