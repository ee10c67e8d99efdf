using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>Reads the lines of a file of receipts; what they mean the core says.</summary>
internal static class ReceiptLines
{
    internal static readonly FileRole Role = new("receipts file");

    /// <param name="file">The file.</param>
    /// <param name="take">Takes the number of a line, from 1, and what it is.</param>
    /// <returns>The end of the file, and the number of lines that have their end.</returns>
    /// <exception cref="RefusedException">It cannot be read, or is not a file of receipts.</exception>
    internal static (LogTail Tail, long Lines) Read(ProofFile file, Action<long, LogLine> take)
    {
        var scan = ReceiptForms.Start;
        var hasDamage = false;
        foreach (var piece in file.Pieces())
        {
            var (next, lines) = ReceiptLog.Step(scan, piece);
            scan = next;
            foreach (var line in lines)
            {
                hasDamage = hasDamage || line.Line.IsDamaged;
                take(line.Number, line.Line);
            }
        }

        var tail = ReceiptLog.Finish(scan);
        switch (tail)
        {
            // A file in which each receipt is damaged was one of receipts, and is a finding.
            case LogTail.Foreign foreign when !hasDamage:
                throw new RefusedException($"{file.At} {foreign.Item.Problem}. Give another file.");
            case LogTail.Mend last:
                foreach (var line in last.Lines)
                    take(scan.Lines + 1, line);
                break;
        }

        return (tail, scan.Lines);
    }
}
