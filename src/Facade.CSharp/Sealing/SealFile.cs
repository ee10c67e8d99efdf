using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Sealing;

/// <summary>
/// How far a file of seals is known: its whole lines have been checked.
/// </summary>
/// <param name="Scan">What was read.</param>
/// <param name="LastLine">The place where the last line begins.</param>
/// <param name="Length">The place where it ends, with its line end; 0 for no line.</param>
internal sealed record KnownSeals(SealScan Scan, long LastLine, long Length)
{
    internal static readonly KnownSeals None = new(SealChain.Start, 0, 0);

    /// <summary>The last line; null for an empty file.</summary>
    internal SealHead? Head => SealChain.Head(Scan)?.Value;
}

/// <summary>
/// A file of seals that this process alone has open. It has been read and checked from where it was not known yet, and ends
/// where a line ends. What the bytes mean the core says.
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

    /// <param name="file">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="keys">The check of signatures.</param>
    /// <param name="known">What is known of it; its last line is compared, and the lines after it are checked.</param>
    /// <param name="note">Takes a sentence for each thing that was repaired.</param>
    /// <exception cref="ExportSealException">It is damaged, or not a file of seals. It was not changed.</exception>
    /// <exception cref="IOException">It cannot be read or repaired.</exception>
    internal SealFile(ILockedFile file, string path, SealKeys keys, KnownSeals known, Action<string> note)
    {
        _file = file;
        _name = Role.At(path);
        _within = Role.Within(path);
        _keys = keys;
        _note = note;
        Known = known;
        // Before any repair: what another program put in its place is not ours to change.
        RequireLastLine();
        Mend(ReadLines());
    }

    /// <summary>How far it has been read: to its end.</summary>
    internal KnownSeals Known { get; private set; }

    /// <summary>Appends a line, and returns when it is on disk.</summary>
    /// <param name="line">The line, without its line end, made for this place.</param>
    /// <exception cref="IOException">It is not on disk; the file is as it was, as far as it can be.</exception>
    internal void Append(byte[] line)
    {
        byte[] whole = [.. line, (byte)'\n'];
        try
        {
            _file.Write(whole, Known.Length);
            _file.Flush();
        }
        catch (Exception)
        {
            CutBack();
            throw;
        }

        Known = Follow(SealChain.Appended(Known.Scan, line), line.Length);
        if (!_file.IsInPlace)
            throw new IOException("another program has removed or replaced it");
    }

    private KnownSeals Follow(SealScan scan, int length) =>
        new(scan, Known.Length, Known.Length + length + 1);

    /// <summary>Compares the last line that is known.</summary>
    private void RequireLastLine()
    {
        if (Known.Head is not { } head)
            return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceSize];
        var offset = Known.LastLine;
        var end = Known.Length - 1;
        while (
            offset < end
            && _file.Read(piece.AsSpan(0, (int)Math.Min(piece.Length, end - offset)), offset)
                is var count
                    and not 0
        )
        {
            hash.AppendData(piece, 0, count);
            offset += count;
        }

        if (
            Convert.ToHexStringLower(hash.GetCurrentHash()) != head.Sha256
            || _file.Read(piece.AsSpan(0, 1), end) != 1
            || piece[0] != (byte)'\n'
        )
            throw new ExportSealException(
                $"{_name} does not have line {head.Count} any more that it had before: another program replaced or shortened it. Keep it for the auditors, and restore it from a copy."
            );
    }

    /// <summary>What cannot be cut now is a torn line, which the next run cuts.</summary>
    private void CutBack()
    {
        try
        {
            _file.Cut(Known.Length);
            _file.Flush();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{exception.Message.TrimEnd('.')}, nor could the torn line be cut off");
        }
    }

    /// <summary>Checks the lines that are not known yet.</summary>
    /// <returns>The bytes after the last line end.</returns>
    private byte[] ReadLines()
    {
        var piece = new byte[PieceSize];
        var pending = new MemoryStream();
        var offset = Known.Length;
        while (_file.Read(piece, offset) is var count and not 0)
        {
            offset += count;
            var rest = piece.AsMemory(0, count);
            while (rest.Span.IndexOf((byte)'\n') is var end and >= 0)
            {
                pending.Write(rest.Span[..end]);
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
        var (scan, found) = SealChain.Step(_keys, Known.Scan, line);
        if (SealChain.Damage(found)?.Value is { } damage)
            throw new ExportSealException($"{_name} {damage.Problem}. {damage.Remedy}");
        Known = Follow(scan, line.Length);
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
                $"{_name} has a line {SealChain.Count(Known.Scan) + 1} that is not a seal. Nothing in it was changed. Give another file."
            );
    }

    private void Mend(byte[] rest)
    {
        switch (SealChain.Tail(_keys, Known.Scan, rest))
        {
            case SealTail.Complete complete:
                var end = Known.Length + complete.Length;
                _file.Cut(end);
                _file.Write("\n"u8, end);
                _file.Flush();
                Known = Follow(complete.Scan, complete.Length);
                _note($"The last line of {_within} had no line end, which was added.");
                break;
            case { IsTorn: true }:
                _file.Cut(Known.Length);
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
