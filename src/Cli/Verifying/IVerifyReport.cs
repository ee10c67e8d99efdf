using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>Takes what a verification finds, as it is found.</summary>
internal interface IVerifyReport
{
    /// <summary>A line of a file of seals, or the envelope of another program.</summary>
    /// <param name="file">The file, for display.</param>
    /// <param name="seal">The line; its number is 0 for an envelope.</param>
    void Seal(string file, CheckedSeal seal);

    /// <summary>A line of a file of receipts that cannot be relied on.</summary>
    /// <param name="file">The file, for display.</param>
    /// <param name="line">The number of the line, from 1.</param>
    /// <param name="problem">What is wrong, a predicate without a full stop.</param>
    void Line(string file, long line, string problem);

    /// <summary>Something that cannot be read.</summary>
    /// <param name="problem">A sentence.</param>
    void Unreadable(string problem);

    /// <summary>An artifact.</summary>
    void Artifact(ArtifactFinding finding);

    /// <summary>All of it.</summary>
    /// <param name="result">What it came to.</param>
    /// <param name="inputs">What was verified.</param>
    void End(VerificationResult result, VerifiedInputs inputs);
}
