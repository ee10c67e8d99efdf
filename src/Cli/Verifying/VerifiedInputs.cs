using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>A file that was verified.</summary>
/// <param name="Role">What it is.</param>
/// <param name="Name">The file, for display.</param>
/// <param name="Sha256">The SHA-256 of its content, as far as it was read.</param>
internal sealed record VerifiedFile(string Role, string Name, string Sha256);

/// <summary>What was verified.</summary>
/// <param name="Heads">The files of seals, for display, with their heads; none for a file without a line.</param>
/// <param name="Files">Files of receipts, of seals, and envelopes.</param>
/// <param name="KeyIds">The ids of the keys whose signatures count.</param>
/// <param name="Bundle">The folder with the evidence, for display; null for none.</param>
/// <param name="EvidenceFiles">The number of files in the folder.</param>
/// <param name="LeftOut">A sentence for each kind of content of the folder that is not compared, such as links; for display.</param>
internal sealed record VerifiedInputs(
    IReadOnlyList<(string File, FSharpOption<SealHead>? Head)> Heads,
    IReadOnlyList<VerifiedFile> Files,
    IReadOnlyList<string> KeyIds,
    string? Bundle,
    int EvidenceFiles,
    IReadOnlyList<string> LeftOut
);
