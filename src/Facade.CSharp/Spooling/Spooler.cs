using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Source;
using Microsoft.Extensions.Logging;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Spooling;

/// <summary>
/// Keeps the artifacts of one sink whose export fails for a temporary reason. Rules that it keeps:
/// <list type="bullet">
/// <item>a failure says that its artifact is kept when copy and note are complete and on disk;</item>
/// <item>while a drain exports an artifact, the sink does not, and the other way round, so that the newer content comes last;</item>
/// <item>a receipt of a newer export is on disk in the entry before the sink returns it.</item>
/// </list>
/// </summary>
/// <param name="settings">The folder, as an absolute path, and its limit.</param>
/// <param name="kind">The kind of the sink's target.</param>
/// <param name="inner">Its target and cell.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told what is kept and what is not.</param>
[SupportedOSPlatform("linux")]
internal sealed class Spooler(
    SpoolSettings settings,
    TargetKind kind,
    SpoolInner inner,
    TimeProvider time,
    ILogger logger
)
{
    /// <summary>Exports an artifact, and keeps it if that fails for a temporary reason.</summary>
    /// <param name="artifact">Its name.</param>
    /// <param name="source">The file.</param>
    /// <param name="metadata">What is stored along with it.</param>
    /// <param name="push">Exports it.</param>
    /// <param name="cancellationToken">Ends it; then nothing is kept.</param>
    /// <exception cref="ExportException">It was not exported; the exception says whether it is kept.</exception>
    internal async Task<ExportReceipt> PushAsync(
        ArtifactName artifact,
        SourcePath source,
        ExportArtifactMetadata? metadata,
        Func<Task<ExportReceipt>> push,
        CancellationToken cancellationToken
    )
    {
        var entry = SpoolEntry.Name(kind, inner.Name, inner.CellId, artifact);
        var held = await HoldAsync(entry, cancellationToken).ConfigureAwait(false);
        try
        {
            var receipt = await push().ConfigureAwait(false);
            if (held is not null)
                Supersede(entry, receipt);
            return receipt;
        }
        catch (ExportException failure)
            when (!failure.IsSpooled && SpoolPolicy.Keeps(CoreMapping.ToCore(failure.Kind)))
        {
            var refusal = await KeepAsync(
                    entry,
                    artifact,
                    source,
                    metadata,
                    failure,
                    held is not null,
                    cancellationToken
                )
                .ConfigureAwait(false);
            if (refusal is null)
            {
                Log.Spooled(logger, ArtifactNameModule.Value(artifact), Shown.Name(settings.Folder));
                throw failure.Spooled(SpoolPolicy.Kept);
            }

            Log.NotSpooled(logger, ArtifactNameModule.Value(artifact), refusal.Message);
            throw failure.NotSpooled(SpoolPolicy.NotKept(refusal));
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>
    /// Takes the lock of an entry that is there: no drain exports older content while this sink exports newer. Null if there is
    /// none.
    /// </summary>
    private async Task<SpoolLock?> HoldAsync(string entry, CancellationToken cancellationToken)
    {
        try
        {
            using var folder = SpoolFolder.TryOpen(settings.Folder);
            return folder?.Has(entry) == true
                ? await folder.LockAsync(entry, cancellationToken).ConfigureAwait(false)
                : null;
        }
        // The export itself needs no spool.
        catch (Exception exception)
            when (exception is SpoolRefusedException || SpoolRefusedException.IsFault(exception))
        {
            Log.SpoolFaulted(logger, Shown.Line(exception.Message));
            return null;
        }
    }

    /// <summary>Leaves the receipt of a newer export for the drain.</summary>
    private void Supersede(string name, ExportReceipt receipt)
    {
        try
        {
            using var folder = SpoolFolder.TryOpen(settings.Folder);
            using var entry = folder?.TryOpenEntry(name);
            // The drain that had the lock before has removed it.
            if (entry is null || SpoolFiles.TryRead(entry, SpoolEntry.NoteFile) is not { } note)
                return;
            var refusal = SpoolNoteModule.OnOlder(note) ?? OnLater(note, receipt);
            if (refusal is not null)
                Log.SpoolFaulted(logger, refusal.Value.Message);
            else
                SpoolFiles.Write(entry, SpoolEntry.Receipt(note), receipt.ToJson());
        }
        // The artifact is exported; a drain exports the older content again.
        catch (Exception exception)
            when (exception is SpoolRefusedException || SpoolRefusedException.IsFault(exception))
        {
            Log.SpoolFaulted(logger, Shown.Line(exception.Message));
        }
    }

    private FSharpOption<Refusal>? OnLater(byte[] note, ExportReceipt receipt) =>
        Drain.OnLater(
            SpoolNoteModule.ParseUtf8(note).ResultValue,
            inner.AsksCommand,
            CoreMapping.ToCore(receipt)
        );

    /// <summary>Copies an artifact, and writes its note.</summary>
    /// <returns>Why it is not kept; null if it is, and all of it is on disk.</returns>
    private async Task<Refusal?> KeepAsync(
        string name,
        ArtifactName artifact,
        SourcePath path,
        ExportArtifactMetadata? metadata,
        ExportException failure,
        bool isHeld,
        CancellationToken cancellationToken
    )
    {
        var sent = SpoolNoteModule.Metadata(
            metadata?.ContentType,
            metadata?.Headers ?? CoreMapping.NoHeaders
        );
        if (sent.IsError)
            return sent.ErrorValue;

        try
        {
            using var folder = SpoolFolder.Open(settings.Folder);
            using var held = isHeld
                ? null
                : await folder.LockAsync(name, cancellationToken).ConfigureAwait(false);
            using var source = SourceFile.Open(path, time: time);
            if (UnknownNote(folder, name) is { } unknown)
                return unknown;
            using var room = SpoolRoom.Take(folder, settings, source.Length);
            if (room.Refusal is { } full)
                return full;
            try
            {
                // One that is made is flushed by that; one that is there may be of a process that was killed before.
                var isThere = folder.Has(name);
                using var entry = folder.OpenEntry(name);
                var copy = await CopyAsync(entry, source, room, cancellationToken).ConfigureAwait(false);
                var note = new SpoolNote(
                    kind,
                    inner.Name,
                    inner.CellId,
                    artifact,
                    copy.Bytes,
                    copy.Sha256.Hex,
                    sent.ResultValue.Item1,
                    sent.ResultValue.Item2,
                    time.GetUtcNow(),
                    failure.Kind.ToString(),
                    failure.IsRedacted ? failure.Reason : Redaction.Text(failure.Reason)
                );
                SpoolFiles.Write(entry, SpoolEntry.NoteFile, SpoolNoteModule.ToJson(note));
                if (isThere)
                    folder.Flush();
                return null;
            }
            finally
            {
                Tidy(folder, name);
            }
        }
        catch (SpoolRefusedException refused)
        {
            return refused.Refusal;
        }
        catch (Exception exception)
            when (exception is SourceException or OutOfMemoryException
                || SpoolRefusedException.IsFault(exception)
            )
        {
            return SpoolRefusedException.RefusalOf(exception, settings.Folder);
        }
    }

    /// <summary>Returns why the note that is there is not replaced; null if it is, or if there is none.</summary>
    private static Refusal? UnknownNote(SpoolFolder folder, string name)
    {
        using var entry = folder.TryOpenEntry(name);
        return entry is not null && SpoolFiles.TryRead(entry, SpoolEntry.NoteFile) is { } note
            ? SpoolNoteModule.OnOlder(note)?.Value
            : null;
    }

    /// <summary>Copies the content under the name of its digest, and returns when it is on disk.</summary>
    private static async Task<Sent> CopyAsync(
        CellFolder entry,
        SourceFile source,
        SpoolRoom room,
        CancellationToken cancellationToken
    )
    {
        using var file = SpoolFiles.Temporary(entry, SpoolEntry.ContentTemporary);
        var copy = await FileFill
            .FromAsync(source, file, [], _ => { }, cancellationToken)
            .ConfigureAwait(false);
        LinuxPath.Flush(file);
        // From here on, the folder shows its bytes.
        room.End(() =>
            entry.TryRename(SpoolEntry.ContentTemporary, SpoolEntry.Content(copy.Sha256.Hex), replace: true)
        );
        // Before its note has its name.
        entry.Flush();
        return copy;
    }

    /// <summary>Removes the older copy, or what a failure left; the next drain does it if that fails.</summary>
    private void Tidy(SpoolFolder folder, string name)
    {
        try
        {
            SpoolFiles.Tidy(folder, name);
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            Log.SpoolFaulted(logger, Shown.Line(exception.Message));
        }
    }
}
