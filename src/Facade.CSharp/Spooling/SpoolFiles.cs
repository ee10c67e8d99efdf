using System.Runtime.Versioning;
using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Source;
using Microsoft.FSharp.Core;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Spooling;

/// <summary>
/// Reads, writes and removes the files of an entry. The caller has its lock. A file under its own name is complete, and on
/// disk.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class SpoolFiles
{
    /// <summary>Returns what is in an entry; null if there is no such entry.</summary>
    /// <exception cref="FolderFaultException">It cannot be read.</exception>
    internal static SpoolFound? Look(SpoolFolder folder, string name)
    {
        using var entry = folder.TryOpenEntry(name);
        if (entry is null)
            return null;

        var json = TryRead(entry, SpoolEntry.NoteFile);
        if (json is null)
            return new SpoolFound(name, null, SpoolContent.Missing, null);
        var note = SpoolNoteModule.ParseUtf8(json);
        var receipt = TryRead(entry, SpoolEntry.Receipt(json));
        return new SpoolFound(
            name,
            FSharpOption<FSharpResult<SpoolNote, Refusal>>.Some(note),
            note.IsOk ? ContentOf(entry, note.ResultValue) : SpoolContent.Missing,
            receipt is null
                ? null
                : FSharpOption<FSharpResult<Receipt, Refusal>>.Some(ReceiptModule.ParseUtf8(receipt))
        );
    }

    /// <summary>Writes a small file of an entry; it has its name when all of it is on disk.</summary>
    /// <exception cref="FolderFaultException">It cannot be written.</exception>
    internal static void Write(CellFolder entry, string name, string text)
    {
        var temporary = name + SpoolEntry.TemporarySuffix;
        using var file = Temporary(entry, temporary);
        try
        {
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
            LinuxPath.Flush(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            entry.Forget(temporary);
            throw FolderFaultException.From(exception, name);
        }

        entry.TryRename(temporary, name, replace: true);
        entry.Flush();
    }

    /// <summary>Opens a new file of an entry, under the name that it has until it is complete.</summary>
    /// <exception cref="FolderFaultException">It cannot be made.</exception>
    internal static SafeFileHandle Temporary(CellFolder entry, string name) =>
        entry.TryOpenTemporary(name)
        ?? throw new FolderFaultException(
            new FolderFault(FolderFaultKind.InTheWay, $"another program has {name} locked", false)
        );

    /// <summary>Removes what a crash or an older note left in an entry; the whole entry if it has no note.</summary>
    /// <exception cref="FolderFaultException">Something cannot be removed.</exception>
    internal static void Tidy(SpoolFolder folder, string name)
    {
        using var entry = folder.TryOpenEntry(name);
        if (entry is null)
            return;
        if (TryRead(entry, SpoolEntry.NoteFile) is not { } json)
        {
            RemoveFiles(folder, entry, name);
            return;
        }

        var note = SpoolNoteModule.ParseUtf8(json);
        // What is not understood stays as it is.
        if (note.IsError)
            return;
        var receipt = SpoolEntry.Receipt(json);
        foreach (var file in entry.Names())
            if (SpoolEntry.IsStray(note.ResultValue, receipt, file))
                entry.Remove(file);
    }

    /// <summary>Removes an entry: first its note, so that a crash leaves nothing that looks whole.</summary>
    /// <exception cref="FolderFaultException">It cannot be removed.</exception>
    internal static void Remove(SpoolFolder folder, string name)
    {
        using var entry = folder.TryOpenEntry(name);
        if (entry is null)
            return;
        entry.Remove(SpoolEntry.NoteFile);
        // A note must not come back without its copy.
        entry.Flush();
        RemoveFiles(folder, entry, name);
    }

    /// <summary>Returns the SHA-256 of the copy of a note; null if there is none.</summary>
    /// <exception cref="FolderFaultException">It cannot be read.</exception>
    internal static string? Sha256Of(SpoolFolder folder, SpoolNote note, CancellationToken cancellationToken)
    {
        using var entry = folder.TryOpenEntry(SpoolEntry.OfNote(note));
        using var file = entry?.TryOpen(SpoolEntry.Content(note.Sha256));
        if (file is null)
            return null;
        try
        {
            return Hasher.Sha256Of(file, cancellationToken).Hex;
        }
        catch (IOException exception)
        {
            throw FolderFaultException.From(exception, folder.Path);
        }
    }

    private static void RemoveFiles(SpoolFolder folder, CellFolder entry, string name)
    {
        foreach (var file in entry.Names())
            entry.Remove(file);
        folder.ForgetEntry(name);
    }

    private static SpoolContent ContentOf(CellFolder entry, SpoolNote note) =>
        entry.StatusOf(SpoolEntry.Content(note.Sha256)) switch
        {
            null => SpoolContent.Missing,
            { Type: LinuxStatus.RegularFile } status => SpoolContent.NewFile(status.Stamp.Length),
            _ => SpoolContent.NotAFile,
        };

    /// <summary>The bytes of a small file; null if there is none. Of a larger file, the first 1 MiB + 1 byte, which never parses.</summary>
    /// <exception cref="FolderFaultException">It cannot be read.</exception>
    internal static byte[]? TryRead(CellFolder entry, string name)
    {
        using var file = entry.TryOpen(name);
        if (file is null)
            return null;
        try
        {
            var length = Math.Min(RandomAccess.GetLength(file), SpoolEntry.MaxNoteBytes + 1);
            var bytes = new byte[length];
            var filled = 0;
            while (filled < bytes.Length)
            {
                var read = RandomAccess.Read(file, bytes.AsSpan(filled), filled);
                if (read == 0)
                    break;
                filled += read;
            }

            return bytes[..filled];
        }
        catch (IOException exception)
        {
            throw FolderFaultException.From(exception, name);
        }
    }
}
