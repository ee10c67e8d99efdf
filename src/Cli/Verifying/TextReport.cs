using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>For people: what failed, counts, the heads, and the verdict in the last line.</summary>
internal sealed class TextReport(TextWriter output) : IVerifyReport
{
    /// <summary>The most lines: people do not read more, and the JSON has all.</summary>
    private const int Most = 100;

    private const int Width = 15;

    private long _failures;

    public void Seal(string file, CheckedSeal seal) => Fail(VerificationWords.OfSeal(file, seal));

    public void Line(string file, long line, string problem) =>
        Fail(VerificationWords.OfLine(file, line, problem));

    public void Unreadable(string problem) => Fail(VerificationWords.OfUnreadable(problem));

    public void Artifact(ArtifactFinding finding) => Fail(VerificationWords.OfArtifact(finding));

    private void Fail(FSharpOption<ReportLine>? line)
    {
        if (line is not null)
            Fail(line.Value);
    }

    private void Fail(ReportLine line)
    {
        _failures++;
        if (_failures <= Most)
            Row(line.Word, line.Text);
    }

    private void Row(string name, string text) => output.WriteLine($"{name.PadRight(Width)} {text}");

    public void End(VerificationResult result, VerifiedInputs inputs)
    {
        if (_failures > Most)
            Row("", $"… and {Amounts.Number(_failures - Most)} more, which --json lists.");
        if (_failures > 0)
            output.WriteLine();
        foreach (var fact in VerificationWords.Facts(result, inputs.Heads, inputs.KeyIds))
            Row(fact.Word, fact.Text);
        output.WriteLine();
        output.WriteLine(VerificationResultModule.Verdict(result));
    }
}
