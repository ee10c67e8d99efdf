using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>Goes through a receipts file once, piece by piece; what the pieces mean the core says.</summary>
internal sealed class ReceiptsReader(ILockedFile store, string path)
{
    private const int PieceSize = 64 * 1024;

    /// <summary>The most sentences: people do not read more.</summary>
    private const int MostNotes = 20;

    private readonly List<string> _unknown = [];
    private long _unknownLines;
    private LogScan _scan = ReceiptLog.Start;
    private long _offset;

    /// <summary>The receipts and what is said of uploads, as they are read.</summary>
    internal IEnumerable<LogLine> Lines()
    {
        var piece = new byte[PieceSize];
        while (store.Read(piece, _offset) is var count and not 0)
        {
            _offset += count;
            var (scan, lines) = ReceiptLog.Step(_scan, piece.AsMemory(0, count));
            _scan = scan;
            foreach (var line in lines)
            {
                Keep(line.Number, line.Line);
                yield return line.Line;
            }
        }

        if (ReceiptLog.Finish(_scan) is LogTail.Mend last)
            foreach (var line in last.Lines)
            {
                Keep(_scan.Lines + 1, line);
                yield return line;
            }
    }

    private void Keep(long number, LogLine line)
    {
        var sentence = line switch
        {
            LogLine.NoReceipt unknown => $"is ignored, and kept: the receipt {unknown.Item.Problem}",
            LogLine.Damaged { Object: { Value: var (destination, _) } } damaged =>
                $"is damaged, and kept: the receipt {damaged.Problem.Problem}. It may be of a later upload of {Shown.Short(500, destination)}, so earlier receipts of that object do not count",
            LogLine.Damaged damaged =>
                $"is damaged, and kept: the receipt {damaged.Problem.Problem}. It is not known which artifact it is about, so receipts before it do not count, and their artifacts are exported again",
            _ => null,
        };
        if (sentence is null)
            return;
        _unknownLines++;
        if (_unknown.Count < MostNotes)
            _unknown.Add($"{path}, line {number}, {sentence}.");
    }

    private void TellOfUnknown(Action<string> note)
    {
        _unknown.ForEach(note);
        if (_unknownLines > _unknown.Count)
            note($"{path} has {_unknownLines - _unknown.Count} more lines that are not receipts.");
    }

    /// <summary>Tells which lines of a file that is only read are no receipts. All of it has been read before.</summary>
    /// <exception cref="RefusedException">It is no receipts file.</exception>
    internal void Report(Action<string> note)
    {
        var tail = ReceiptLog.Finish(_scan);
        if (tail is LogTail.Foreign foreign)
            throw Refuse(foreign);
        TellOfUnknown(note);
        if (tail is LogTail.Cut cut)
            note(
                $"{path} ends in a torn line of {_offset - cut.Length} bytes, which is ignored: a push may be writing it."
            );
    }

    private RefusedException Refuse(LogTail.Foreign foreign) => new($"{path}: {foreign.Item.Message}");

    /// <summary>
    /// Makes the file end where a line ends, and tells which lines are no receipts. All of it has been read before.
    /// </summary>
    /// <returns>Its length.</returns>
    /// <exception cref="RefusedException">It is no receipts file.</exception>
    internal long Mend(Action<string> note)
    {
        var tail = ReceiptLog.Finish(_scan);
        if (tail is not LogTail.Foreign)
            TellOfUnknown(note);
        switch (tail)
        {
            case LogTail.Cut cut:
                store.Cut(cut.Length);
                store.Flush();
                note(
                    $"{path} ended in a torn line of {_offset - cut.Length} bytes, which was cut off{(cut.Torn.Length > 0 ? $": {cut.Torn}" : ".")}"
                );
                return cut.Length;
            case LogTail.Mend mend:
                store.Cut(mend.Length);
                store.Write("\n"u8, mend.Length);
                store.Flush();
                note(
                    mend.Lines.Length == 1
                        ? mend.Lines.Head is LogLine.Damaged
                            ? $"The last line of {path} is cut off: an earlier run may have ended while it wrote the line. A line end was added."
                            : $"The last line of {path} had no line end, which was added."
                        : $"The last line of {path} had no line end, which was added. The line has {mend.Lines.Length} parts, and each receipt in it counts."
                );
                return mend.Length + 1;
            case LogTail.Foreign foreign:
                throw Refuse(foreign);
            default:
                return _offset;
        }
    }
}
