using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying.Page;

/// <summary>A page in HTML. It is written at the end; until then the core keeps what it will show.</summary>
internal sealed class PageReport(PageFile file) : IVerifyReport
{
    private VerificationPageScan _scan = VerificationPageScanModule.Start;

    public void Seal(string file, CheckedSeal seal) =>
        _scan = VerificationPageScanModule.AddSeal(file, seal, _scan);

    public void Line(string file, long line, string problem) =>
        _scan = VerificationPageScanModule.AddLine(file, line, problem, _scan);

    public void Unreadable(string problem) =>
        _scan = VerificationPageScanModule.AddUnreadable(problem, _scan);

    public void Artifact(ArtifactFinding finding) =>
        _scan = VerificationPageScanModule.AddArtifact(finding, _scan);

    public void End(VerificationResult result, VerifiedInputs inputs)
    {
        var page = VerificationPageModule.Make(_scan, result, inputs.Heads);
        file.Complete(output => new PageRenderer(output, page, inputs).Write());
    }
}
