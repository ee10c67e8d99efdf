using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>Goes through a receipts file once, piece by piece; what the pieces mean the core says.</summary>
internal sealed class ReceiptsReader(IReceiptsStore store, string path)
{
    private const int PieceSize = 64 * 1024;
    private LogScan _scan = ReceiptLog.Start;
    private long _offset;

    /// <summary>The receipts, as they are read; what is no receipt is told by its line.</summary>
    internal IEnumerable<Receipt> Receipts(Action<string> note)
    {
        var piece = new byte[PieceSize];
        while (store.Read(piece, _offset) is var count and not 0)
        {
            _offset += count;
            var (scan, lines) = ReceiptLog.Step(_scan, piece.AsMemory(0, count));
            _scan = scan;
            foreach (var line in lines)
            {
                if (line.Line is LogLine.Receipt known)
                    yield return known.Item;
                else if (line.Line is LogLine.NoReceipt unknown)
                    note(
                        $"{path}, line {line.Number}, is kept, and passed over: the receipt {unknown.Item.Problem}."
                    );
            }
        }

        if (ReceiptLog.Finish(_scan) is LogTail.Mend last)
            yield return last.Receipt;
    }

    /// <summary>Makes the file end where a line ends. All of it has been read before.</summary>
    /// <returns>Its length.</returns>
    /// <exception cref="RefusedException">It is no receipts file.</exception>
    internal long Mend(Action<string> note)
    {
        switch (ReceiptLog.Finish(_scan))
        {
            case LogTail.Cut cut:
                store.Cut(cut.Length);
                store.Flush();
                note($"{path} ended in a torn line of {_offset - cut.Length} bytes, which was cut off.");
                return cut.Length;
            case LogTail.Mend mend:
                store.Cut(mend.Length);
                store.Write("\n"u8, mend.Length);
                store.Flush();
                note($"{path} ended in a receipt without a line end, which was added.");
                return mend.Length + 1;
            case LogTail.Foreign foreign:
                throw new RefusedException($"{path}: {foreign.Item.Message}");
            default:
                return _offset;
        }
    }
}
