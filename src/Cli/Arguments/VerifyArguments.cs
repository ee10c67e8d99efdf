using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What <c>verify</c> was asked to do.</summary>
internal sealed record VerifyArguments
{
    /// <summary>The files of receipts.</summary>
    public IReadOnlyList<string> Receipts { get; init; } = [];

    /// <summary>The files of seals, a chain each.</summary>
    public IReadOnlyList<string> Seals { get; init; } = [];

    /// <summary>The files with an envelope of another program each.</summary>
    public IReadOnlyList<string> Envelopes { get; init; } = [];

    /// <summary>The files of public keys.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>The heads that were noted elsewhere.</summary>
    public IReadOnlyList<SealHead> Heads { get; init; } = [];

    /// <summary>The folder with the evidence; null for none.</summary>
    public string? Bundle { get; init; }

    /// <summary>True if receipts that are <c>unverified</c> are accepted.</summary>
    public bool AcceptUnverified { get; init; }

    /// <summary>True if receipts that no valid seal states are accepted.</summary>
    public bool AcceptUnsealed { get; init; }

    /// <summary>True to write JSON in place of text.</summary>
    public bool Json { get; init; }

    /// <summary>The file of the page; null for none.</summary>
    public string? Html { get; init; }

    /// <summary>What is verified, and what is accepted.</summary>
    internal VerificationScope Scope =>
        new(
            Receipts.Count > 0,
            Seals.Count + Envelopes.Count > 0,
            Bundle is not null,
            AcceptUnverified,
            AcceptUnsealed
        );

    /// <summary>All files that are read.</summary>
    internal IReadOnlyList<string> Files => [.. Receipts, .. Seals, .. Envelopes, .. Keys];
}
