using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>Several reports of one verification.</summary>
internal sealed class SeveralReports(IReadOnlyList<IVerifyReport> reports) : IVerifyReport
{
    public void Seal(string file, CheckedSeal seal) => All(report => report.Seal(file, seal));

    public void Line(string file, long line, string problem) =>
        All(report => report.Line(file, line, problem));

    public void Unreadable(string problem) => All(report => report.Unreadable(problem));

    public void Artifact(ArtifactFinding finding) => All(report => report.Artifact(finding));

    public void End(VerificationResult result, VerifiedInputs inputs) =>
        All(report => report.End(result, inputs));

    private void All(Action<IVerifyReport> tell)
    {
        foreach (var report in reports)
            tell(report);
    }
}
