using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Sealing;

/// <summary>
/// A file of seals that this process alone has open. It has been read and checked, and ends where a line ends. What the bytes
/// mean the core says.
/// </summary>
internal sealed class SealFile
{
    internal static readonly FileRole Role = new("file of seals");

    private const int PieceSize = 64 * 1024;

    /// <summary>A run of a million artifacts has a seal of about this length.</summary>
    private const int MaxLineBytes = 1024 * 1024 * 1024;

    /// <summary>File systems leave NULs for what a process wrote shortly before a loss of power.</summary>
    private const int MaxNuls = 64 * 1024 * 1024;

    private readonly ILockedFile _file;
    private readonly string _name;
    private readonly string _within;
    private readonly SealKeys _keys;
    private readonly Action<string> _note;
    private SealScan _scan;
    private long _length;

    /// <param name="file">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="keys">The check of signatures.</param>
    /// <param name="known">The head that the file had before; null if it was not read before.</param>
    /// <param name="note">Takes a sentence for each thing that was repaired.</param>
    /// <exception cref="ExportSealException">It is damaged, or not a file of seals. It was not changed.</exception>
    /// <exception cref="IOException">It cannot be read or repaired.</exception>
    internal SealFile(ILockedFile file, string path, SealKeys keys, SealHead? known, Action<string> note)
    {
        _file = file;
        _name = Role.At(path);
        _within = Role.Within(path);
        _keys = keys;
        _note = note;
        _scan = SealChain.Start(known is null ? null : FSharpOption<SealHead>.Some(known));
        var rest = ReadLines();
        // Before any repair: what another program put in its place is not ours to change.
        if (SealChain.Anchor(_scan) is var anchor && (anchor.IsRemoved || anchor.IsReplaced))
            throw new ExportSealException(
                $"{_name} does not have line {known!.Count} any more that it had before: another program replaced or shortened it. Keep it for the auditors, and restore it from a copy."
            );
        Mend(rest);
    }

    /// <summary>The last line; null if there is none.</summary>
    internal SealHead? Head => SealChain.Head(_scan)?.Value;

    /// <summary>Appends a line, and returns when it is on disk.</summary>
    /// <param name="line">The line, without its line end.</param>
    /// <exception cref="ExportSealException">The line does not follow the one before it.</exception>
    /// <exception cref="IOException">It is not on disk; the file is as it was, as far as it can be.</exception>
    internal SealHead Append(byte[] line)
    {
        // What no check would accept must never be written.
        var (scan, found) = SealChain.Step(_keys, _scan, line);
        if (SealChain.Damage(found)?.Value is { } damage)
            throw new ExportSealException(
                $"{_name} was not written: the new line {damage.Problem}. Report this."
            );

        byte[] whole = [.. line, (byte)'\n'];
        try
        {
            _file.Write(whole, _length);
            _file.Flush();
        }
        catch (Exception)
        {
            CutBack();
            throw;
        }

        _scan = scan;
        _length += whole.Length;
        if (!_file.IsInPlace)
            throw new IOException("another program has removed or replaced it");
        return Head!;
    }

    /// <summary>What cannot be cut now is a torn line, which the next run cuts.</summary>
    private void CutBack()
    {
        try
        {
            _file.Cut(_length);
            _file.Flush();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{exception.Message.TrimEnd('.')}, nor could the torn line be cut off");
        }
    }

    /// <summary>Checks all lines.</summary>
    /// <returns>The bytes after the last line end.</returns>
    private byte[] ReadLines()
    {
        var piece = new byte[PieceSize];
        var pending = new MemoryStream();
        long offset = 0;
        while (_file.Read(piece, offset) is var count and not 0)
        {
            offset += count;
            var rest = piece.AsMemory(0, count);
            while (rest.Span.IndexOf((byte)'\n') is var end and >= 0)
            {
                pending.Write(rest.Span[..end]);
                _length += pending.Length + 1;
                Step(pending.GetBuffer().AsMemory(0, (int)pending.Length));
                pending.SetLength(0);
                rest = rest[(end + 1)..];
            }

            pending.Write(rest.Span);
            RequireSeal(pending);
        }

        return pending.ToArray();
    }

    private void Step(ReadOnlyMemory<byte> line)
    {
        var (scan, found) = SealChain.Step(_keys, _scan, line);
        if (SealChain.Damage(found)?.Value is { } damage)
            throw new ExportSealException($"{_name} {damage.Problem}. {damage.Remedy}");
        _scan = scan;
    }

    /// <summary>A large file that was given by mistake, such as evidence, is not read to its end.</summary>
    private void RequireSeal(MemoryStream pending)
    {
        var head = pending.GetBuffer().AsMemory(0, (int)Math.Min(pending.Length, PieceSize));
        var isFirst = pending.Length <= 2 * PieceSize;
        if (
            pending.Length > MaxLineBytes
            || (pending.Length > MaxNuls && head.Span[0] == 0)
            || (isFirst && !Seal.MayBegin(head[..(head.Span.LastIndexOfAnyExcept((byte)0) + 1)]))
        )
            throw new ExportSealException(
                $"{_name} has a line {SealChain.Count(_scan) + 1} that is not a seal. Nothing in it was changed. Give another file."
            );
    }

    private void Mend(byte[] rest)
    {
        switch (SealChain.Tail(_keys, _scan, rest))
        {
            case SealTail.Complete complete:
                _file.Cut(_length + complete.Length);
                _file.Write("\n"u8, _length + complete.Length);
                _file.Flush();
                _length += complete.Length + 1;
                _scan = complete.Scan;
                _note($"The last line of {_within} had no line end, which was added.");
                break;
            case { IsTorn: true }:
                _file.Cut(_length);
                _file.Flush();
                _note(
                    $"{_name} ended in a torn line of {rest.Length} bytes, which was cut off: a run ended while it wrote its seal, and is not sealed."
                );
                break;
            case SealTail.Foreign foreign:
                throw new ExportSealException($"{_name} {foreign.Item.Problem}. {foreign.Item.Remedy}");
        }
    }
}
