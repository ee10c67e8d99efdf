using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>
/// For machines: one JSON object a line, the summary last. What is unknown is left out. There may be a million artifacts, so
/// their lines are written together.
/// </summary>
internal sealed class JsonReport(TextWriter output) : IVerifyReport
{
    // No HTML: only what JSON asks for is escaped.
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The bytes of lines that are held back at most.</summary>
    private const int Held = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _buffer = new();

    public void Seal(string file, CheckedSeal seal) =>
        Write(
            "seal",
            json =>
            {
                json.WriteString("file", file);
                if (seal.Number > 0)
                    json.WriteNumber("line", seal.Number);
                json.WriteString("status", seal.Status.Name);
                Text(json, "problem", seal.Status.Problem);
                if (seal.Statement?.Value is not { } statement)
                    return;
                json.WriteString("runId", statement.RunId);
                json.WriteString("cellId", Shown.Name(statement.CellId));
                json.WriteString("target", Shown.Name(statement.TargetName));
                json.WriteNumber("sequence", statement.Sequence);
                json.WriteString("startedAt", Time(statement.StartedAt));
                json.WriteString("finishedAt", Time(statement.FinishedAt));
                json.WriteString("outcome", statement.Outcome.Name);
                json.WriteString("toolVersion", Shown.Name(statement.ToolVersion));
                json.WriteNumber("planned", statement.Planned);
                json.WriteNumber("stored", statement.Receipts.Length);
                json.WriteNumber("failed", statement.Failures.Length);
                json.WriteNumber("skipped", statement.Skipped);
            }
        );

    public void Line(string file, long line, string problem) =>
        Write(
            "line",
            json =>
            {
                json.WriteString("file", file);
                json.WriteNumber("line", line);
                json.WriteString("problem", problem);
            }
        );

    public void Unreadable(string problem) =>
        Write("unreadable", json => json.WriteString("problem", problem));

    public void Artifact(ArtifactFinding finding) =>
        Write(
            "artifact",
            json =>
            {
                // The name as it is, to be found again by it.
                json.WriteString(
                    "name",
                    ArtifactNameModule.Create(finding.Name).IsOk ? finding.Name : Shown.Name(finding.Name)
                );
                if (finding.Destination?.Value is { } destination)
                    json.WriteString("destination", Redaction.Plain(destination));
                json.WriteString("status", finding.Status.Name);
                if (finding.Seal.Name.Length > 0)
                    json.WriteString("seal", finding.Seal.Name);
                json.WriteBoolean("good", finding.IsGood);
                if (finding.Bytes?.Value is { } bytes)
                    json.WriteNumber("bytes", bytes);
                if (finding.CompletedAt?.Value is { } completedAt)
                    json.WriteString("completedAt", Time(completedAt));
                Text(json, "sha256", finding.Sha256);
                Text(json, "fileSha256", finding.FileSha256);
                if (finding.Problems.IsEmpty)
                    return;
                json.WriteStartArray("problems");
                foreach (var problem in finding.Problems)
                    json.WriteStringValue(problem);
                json.WriteEndArray();
            },
            holds: true
        );

    public void End(VerificationResult result, VerifiedInputs inputs) =>
        Write(
            "summary",
            json =>
            {
                json.WriteBoolean("verified", result.IsGood);
                json.WriteString("verdict", VerificationResultModule.Verdict(result));
                json.WriteNumber("failed", result.Failed);
                json.WriteNumber("unreadable", result.Unreadable);
                json.WriteStartObject("artifacts");
                foreach (var (status, count) in result.Artifacts)
                    json.WriteNumber(status.Name, count);
                json.WriteEndObject();
                Text(json, "filesNamedBy", result.Names?.Value.Name);
                Texts(json, "keys", inputs.KeyIds);
                Texts(json, "leftOut", inputs.LeftOut);
                Texts(json, "notes", VerificationResultModule.Limits(result));
                json.WriteStartObject("receipts");
                json.WriteNumber("read", result.Receipts);
                json.WriteNumber("superseded", result.Superseded);
                json.WriteNumber("badLines", result.BadLines);
                if (result.Scope.HasSeals)
                {
                    json.WriteNumber("sealed", result.Sealed);
                    json.WriteNumber("notSealed", result.NotSealed);
                    json.WriteNumber("withoutLine", result.WithoutLine);
                }

                json.WriteEndObject();
                if (result.Scope.HasSeals)
                    Seals(json, result, inputs);
            }
        );

    private static void Seals(Utf8JsonWriter json, VerificationResult result, VerifiedInputs inputs)
    {
        json.WriteStartObject("seals");
        json.WriteNumber("valid", result.Seals.Valid);
        json.WriteNumber("forged", result.Seals.Forged);
        json.WriteNumber("out of order", result.Seals.OutOfOrder);
        json.WriteNumber("truncated", result.Seals.Truncated);
        json.WriteNumber("interrupted", result.Seals.Interrupted);
        json.WriteNumber("failures", result.Seals.Failures);
        json.WriteEndObject();
        json.WriteStartArray("heads");
        foreach (var (file, head) in inputs.Heads)
        {
            json.WriteStartObject();
            json.WriteString("file", file);
            Text(json, "head", head?.Value.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("givenHeads");
        foreach (var anchor in result.Anchors)
        {
            json.WriteStartObject();
            json.WriteString("head", anchor.Head.ToString());
            json.WriteString("status", anchor.Status.Name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Write(string kind, Action<Utf8JsonWriter> fields, bool holds = false)
    {
        if (_buffer.WrittenCount > 0)
            _buffer.Write("\n"u8);
        using (var json = new Utf8JsonWriter(_buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("kind", kind);
            fields(json);
            json.WriteEndObject();
        }

        if (holds && _buffer.WrittenCount < Held)
            return;
        output.WriteLine(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.ResetWrittenCount();
    }

    private static string Time(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>An array; nothing for no text.</summary>
    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyCollection<string> texts)
    {
        if (texts.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void Text(Utf8JsonWriter json, string name, FSharpOption<string>? text) =>
        Text(json, name, text?.Value);

    private static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
            json.WriteString(name, text);
    }
}
