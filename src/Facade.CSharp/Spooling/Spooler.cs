using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Source;
using Microsoft.Extensions.Logging;

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
/// <param name="target">The name of its target; null for none.</param>
/// <param name="cellId">The cell whose evidence it takes.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told what is kept and what is not.</param>
[SupportedOSPlatform("linux")]
internal sealed class Spooler(
    SpoolSettings settings,
    TargetKind kind,
    TargetName? target,
    CellId cellId,
    TimeProvider time,
    ILogger logger
)
{
    private readonly Lock _gate = new();

    /// <summary>The bytes of the spool when it was looked at last, and what this sink has added since; null before.</summary>
    private long? _used;

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
        var entry = SpoolEntry.Name(kind, CoreMapping.ToOption(target), cellId, artifact);
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
        catch (Exception exception) when (exception is SpoolRefusedException or FolderFaultException)
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
            if (SpoolNoteModule.OnOlder(note) is { Value: var unknown })
                Log.SpoolFaulted(logger, unknown.Message);
            else
                SpoolFiles.Write(entry, SpoolEntry.Receipt(note), receipt.ToJson());
        }
        // The artifact is exported; a drain exports the older content again.
        catch (Exception exception) when (exception is SpoolRefusedException or FolderFaultException)
        {
            Log.SpoolFaulted(logger, Shown.Line(exception.Message));
        }
    }

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
            if (Reserve(folder, source.Length) is { } full)
                return full;
            var isKept = false;
            try
            {
                // One that is made is flushed by that; one that is there may be of a process that was killed before.
                var isThere = folder.Has(name);
                using var entry = folder.OpenEntry(name);
                var copy = await CopyAsync(entry, source, cancellationToken).ConfigureAwait(false);
                var note = new SpoolNote(
                    kind,
                    CoreMapping.ToOption(target),
                    cellId,
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
                isKept = true;
                return null;
            }
            finally
            {
                if (!isKept)
                    Release(source.Length);
                Tidy(folder, name);
            }
        }
        catch (SpoolRefusedException refused)
        {
            return refused.Refusal;
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or SourceException
                        or OutOfMemoryException
                        or FolderFaultException
            )
        {
            return SpoolPolicy.OnFault(FolderFaultException.From(exception, settings.Folder).Fault);
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
        CancellationToken cancellationToken
    )
    {
        using var file = SpoolFiles.Temporary(entry, SpoolEntry.ContentTemporary);
        var copy = await FileFill
            .FromAsync(source, file, [], _ => { }, cancellationToken)
            .ConfigureAwait(false);
        LinuxPath.Flush(file);
        entry.TryRename(SpoolEntry.ContentTemporary, SpoolEntry.Content(copy.Sha256.Hex), replace: true);
        return copy;
    }

    /// <summary>Removes the older copy, or what a failure left; the next drain does it if that fails.</summary>
    private void Tidy(SpoolFolder folder, string name)
    {
        try
        {
            SpoolFiles.Tidy(folder, name);
        }
        catch (FolderFaultException exception)
        {
            Log.SpoolFaulted(logger, Shown.Line(exception.Message));
        }
    }

    /// <summary>Takes room for a copy. Where it seems to lack, a drain may have made some.</summary>
    /// <returns>Why there is none; null if there is.</returns>
    private Refusal? Reserve(SpoolFolder folder, long length)
    {
        if (settings.MaxBytes is null)
            return null;
        lock (_gate)
        {
            if (_used is not { } used || SpoolPolicy.OnSize(settings, used, length) is not null)
                used = folder.UsedBytes();
            _used = used;
            if (SpoolPolicy.OnSize(settings, used, length) is { Value: var full })
                return full;
            _used = used + length;
            return null;
        }
    }

    private void Release(long length)
    {
        lock (_gate)
        {
            _used -= length;
        }
    }
}
