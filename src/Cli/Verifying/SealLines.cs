using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>Reads the lines of a file of seals, and envelopes; what they are worth the core says.</summary>
internal static class SealLines
{
    internal static readonly FileRole Role = new("file of seals");
    internal static readonly FileRole EnvelopeRole = new("envelope");

    /// <summary>The bytes at the beginning of a line that show whether it may be a seal.</summary>
    private const int Beginning = 64 * 1024;

    /// <summary>A run of a million artifacts has a seal of about this length.</summary>
    private const int MaxBytes = 1024 * 1024 * 1024;

    /// <param name="file">The file.</param>
    /// <param name="keys">The check of signatures.</param>
    /// <param name="take">Takes a line, and the head of the file after it.</param>
    /// <returns>The head of the file; null if no line has ended.</returns>
    /// <exception cref="RefusedException">It cannot be read, or is not a file of seals.</exception>
    internal static SealHead? Read(ProofFile file, SealKeys keys, Action<CheckedSeal, SealHead?> take)
    {
        var scan = SealChain.Start;
        var pending = new MemoryStream();
        foreach (var piece in file.Pieces())
        {
            var rest = piece;
            while (rest.Span.IndexOf((byte)'\n') is var end and >= 0)
            {
                pending.Write(rest.Span[..end]);
                var (next, line) = SealChain.Step(keys, scan, Bytes(pending));
                scan = next;
                take(line, SealChain.Head(scan)?.Value);
                pending.SetLength(0);
                rest = rest[(end + 1)..];
            }

            pending.Write(rest.Span);
            Require(file, pending, SealChain.Count(scan));
        }

        if (SealChain.Finish(scan, Bytes(pending))?.Value is { } torn)
            take(torn, SealChain.Head(scan)?.Value);
        return SealChain.Head(scan)?.Value;
    }

    /// <summary>Checks the envelope of another program.</summary>
    /// <exception cref="RefusedException">It cannot be read.</exception>
    internal static FSharpResult<FSharpList<Receipt>, string> Envelope(ProofFile file, SealKeys keys)
    {
        var all = new MemoryStream();
        foreach (var piece in file.Pieces())
        {
            all.Write(piece.Span);
            if (all.Length > MaxBytes)
                throw new RefusedException($"{file.At} has more than {MaxBytes} bytes. Give another file.");
        }

        return ForeignSeal.Check(keys, Bytes(all));
    }

    private static ReadOnlyMemory<byte> Bytes(MemoryStream pending) =>
        pending.GetBuffer().AsMemory(0, (int)pending.Length);

    /// <summary>A large file that was given by mistake, such as evidence, is not kept in memory.</summary>
    private static void Require(ProofFile file, MemoryStream pending, long lines)
    {
        if (
            pending.Length > MaxBytes
            || (pending.Length > Beginning && !Seal.MayBegin(Bytes(pending)[..Beginning]))
        )
            throw new RefusedException(
                $"{file.At} has a line {lines + 1} that is not a seal. Give another file."
            );
    }
}
