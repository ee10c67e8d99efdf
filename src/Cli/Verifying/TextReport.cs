using System.Globalization;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>For people: what failed, counts, the heads, and the verdict in the last line.</summary>
internal sealed class TextReport(TextWriter output) : IVerifyReport
{
    /// <summary>The most lines: people do not read more, and the JSON has all.</summary>
    private const int Most = 100;

    private const int Width = 15;

    private long _failures;

    public void Seal(string file, CheckedSeal seal)
    {
        if (seal.Status.Problem?.Value is { } problem)
            Fail(
                seal.Status.Name,
                seal.Number == 0 ? $"{file}: {problem}" : $"{file}, line {seal.Number}: {problem}"
            );
    }

    public void Line(string file, long line, string problem) =>
        Fail("bad line", $"{file}, line {line}: {problem}");

    public void Unreadable(string problem) => Fail("unreadable", problem);

    public void Artifact(ArtifactFinding finding)
    {
        if (!finding.IsGood)
            Fail(
                Word(finding),
                $"{Shown.Artifact(finding.Name)}: {string.Join("; ", finding.Problems)}{Place(finding)}"
            );
    }

    /// <summary>What is wrong, in a word or two: the content may be right.</summary>
    private static string Word(ArtifactFinding finding) =>
        !finding.Status.IsIntact && !finding.Status.IsNotCompared ? finding.Status.Name
        : finding.IsUnreadable ? "unreadable"
        : finding.Seal.IsNotSealed ? finding.Seal.Name
        : "no receipt";

    private static string Place(ArtifactFinding finding) =>
        finding.Destination?.Value is { } destination ? $" ({Shown.Short(500, destination)})" : "";

    private void Fail(string what, string text)
    {
        _failures++;
        if (_failures <= Most)
            Row(what, text);
    }

    private void Row(string name, string text) =>
        output.WriteLine($"{name.PadRight(Width)} {Shown.Sentence(text)}");

    public void End(VerificationResult result, IReadOnlyList<(string File, SealHead? Head)> heads)
    {
        if (_failures > Most)
            Row("", $"… and {Number(_failures - Most)} more, which --json lists.");
        if (_failures > 0)
            output.WriteLine();
        Row("artifacts", Artifacts(result));
        if (result.Scope.HasReceipts)
            Row(
                "receipts",
                $"{Number(result.Receipts)} read, {Number(result.Superseded)} of them superseded by later ones"
            );
        if (result.Scope.HasSeals)
            Seals(result, heads);
        if (result.Names?.Value is { } names)
            Row("files", $"found by {names.Name}");
        foreach (var limit in VerificationResultModule.Limits(result))
            Row("note", limit);
        output.WriteLine();
        output.WriteLine(VerificationResultModule.Verdict(result));
    }

    private void Seals(VerificationResult result, IReadOnlyList<(string File, SealHead? Head)> heads)
    {
        var seals = result.Seals;
        var interrupted = seals.Interrupted > 0 ? $" ({Number(seals.Interrupted)} of interrupted runs)" : "";
        string[] bad =
        [
            .. new[]
            {
                (seals.Forged, "forged"),
                (seals.OutOfOrder, "out of order"),
                (seals.Truncated, "truncated"),
            }
                .Where(item => item.Item1 > 0)
                .Select(item => $", {Number(item.Item1)} {item.Item2}"),
        ];
        Row("seals", $"{Number(seals.Valid)} valid{interrupted}{string.Concat(bad)}");
        Row(
            "sealed",
            $"{Number(result.Sealed)} of {Number(result.Sealed + result.NotSealed)} receipts"
                + (
                    result.WithoutLine > 0
                        ? $"; {Number(result.WithoutLine)} have no line in the receipts"
                        : ""
                )
        );
        foreach (var (file, head) in heads)
            Row("head", $"{head?.ToString() ?? "none: no line"} of {file}");
        foreach (var anchor in result.Anchors)
            Row("given head", $"{anchor.Head}: {anchor.Status.Name}");
    }

    private static string Artifacts(VerificationResult result)
    {
        var parts = result
            .Artifacts.Where(item => item.Item2 > 0)
            .Select(item => $"{Number(item.Item2)} {item.Item1.Name}");
        return result.Count == 0 ? "none" : $"{Number(result.Count)}: {string.Join(", ", parts)}";
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
