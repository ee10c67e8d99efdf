using System.Collections.Concurrent;
using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Local;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Spooling;

/// <summary>An entry of a spool, and what is done with it.</summary>
/// <param name="Entry">Its name.</param>
/// <param name="Step">What is done.</param>
/// <param name="Note">Its note; null if it has none that can be read.</param>
internal sealed record SpoolItem(string Entry, DrainStep Step, SpoolNote? Note);

/// <summary>
/// One drain of a spool; there is one at a time. An entry is removed by <see cref="Complete"/>, when the caller has its
/// receipt on disk, and by nothing else, unless nothing was ever reported of it.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class SpoolDrain : IDisposable
{
    private readonly SpoolFolder _folder;
    private readonly SpoolLock _place;
    private readonly ExportRoot _root;
    private readonly ConcurrentDictionary<string, SpoolLock> _held = new(StringComparer.Ordinal);

    private SpoolDrain(SpoolFolder folder, SpoolLock place, ExportRoot root) =>
        (_folder, _place, _root) = (folder, place, root);

    /// <summary>The number of entries that are there now.</summary>
    /// <exception cref="SpoolRefusedException">The spool cannot be listed.</exception>
    internal int Count => Entries().Count;

    /// <summary>The path of the spool.</summary>
    internal string Path => _folder.Path;

    /// <summary>Opens a spool; null if there is none, so that there is nothing to drain.</summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="SpoolRefusedException">It cannot be used, or another process drains it.</exception>
    internal static SpoolDrain? TryOpen(string path)
    {
        SpoolFolder? folder = null;
        SpoolLock? place = null;
        try
        {
            folder = SpoolFolder.TryOpen(path);
            if (folder is null)
                return null;
            place = folder.LockDrain();
            var drain = new SpoolDrain(folder, place, ExportRoot.Open(folder.Path));
            folder = null;
            place = null;
            return drain;
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            throw SpoolRefusedException.Of(path, SpoolFolderFault.NewUnusable(exception.Message));
        }
        finally
        {
            place?.Dispose();
            folder?.Dispose();
        }
    }

    /// <summary>Returns the entries and what is done with each, and removes what a crash left behind.</summary>
    /// <exception cref="SpoolRefusedException">The spool cannot be listed.</exception>
    internal IReadOnlyList<SpoolItem> List(DrainScope scope, CancellationToken cancellationToken)
    {
        var items = new List<SpoolItem>();
        foreach (var entry in Entries())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var item = Look(entry, scope);
            if (item is { Step.IsClean: true })
                item = CleanIfLeft(entry, scope);
            if (item is not null)
                items.Add(item);
        }

        return items;
    }

    /// <summary>Exports an entry.</summary>
    /// <param name="item">The entry, as it was listed.</param>
    /// <param name="scope">What is asked for.</param>
    /// <param name="push">Exports the artifact that it is given.</param>
    /// <param name="cancellationToken">Ends it; the entry stays.</param>
    /// <returns>The receipt. When it is on disk, <see cref="Complete"/> removes the entry.</returns>
    /// <exception cref="ExportException">There is no receipt, and the entry stays.</exception>
    internal async Task<ExportReceipt> ExportAsync(
        SpoolItem item,
        DrainScope scope,
        Func<ExportArtifact, Task<ExportReceipt>> push,
        CancellationToken cancellationToken
    )
    {
        SpoolLock? held = null;
        try
        {
            DrainStep? step;
            try
            {
                held = await _folder.LockAsync(item.Entry, cancellationToken).ConfigureAwait(false);
                // A push may have exported or replaced it since it was listed.
                step = Look(item.Entry, scope)?.Step;
                if (step is DrainStep.Export { Item: var whole })
                    await RequireWholeAsync(item, whole, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
            {
                throw Failure(item, SpoolRefusedException.RefusalOf(exception, Path));
            }

            var receipt = step switch
            {
                DrainStep.Finish finish => CoreMapping.ToReceipt(finish.Item2),
                DrainStep.Export export => await PushAsync(item, export.Item, push).ConfigureAwait(false),
                DrainStep.Refuse refused => throw Failure(item, refused.Item),
                _ => throw Failure(item, Drain.Gone),
            };
            _held[item.Entry] = held;
            held = null;
            return receipt;
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Removes an entry whose receipt is on disk.</summary>
    /// <returns>Why it is still there; null if it is not.</returns>
    internal Refusal? Complete(string entry)
    {
        _held.TryRemove(entry, out var held);
        using (held)
        {
            try
            {
                SpoolFiles.Remove(_folder, entry);
                return null;
            }
            catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
            {
                return SpoolRefusedException.RefusalOf(exception, Path);
            }
        }
    }

    /// <summary>The artifact of an entry; of one that is refused, its folder under the name of the entry.</summary>
    internal ExportArtifact Artifact(SpoolItem item) =>
        item.Note is { } note ? Artifact(note) : new ExportArtifact(item.Entry, item.Entry) { Root = _root };

    private ExportArtifact Artifact(SpoolNote note) =>
        new(
            ArtifactNameModule.Value(note.ArtifactName),
            $"{SpoolEntry.OfNote(note)}/{SpoolEntry.Content(note.Sha256)}",
            new ExportArtifactMetadata
            {
                ContentType = note.ContentType?.Value,
                Headers = note.Headers.ToDictionary(
                    RequestHeaderModule.Name,
                    RequestHeaderModule.Reveal,
                    StringComparer.OrdinalIgnoreCase
                ),
            }
        )
        {
            Root = _root,
        };

    /// <summary>The failure of an entry that stays.</summary>
    internal static ExportException Failure(SpoolItem item, Refusal refusal, bool mayBeStored = false) =>
        new(ExportFailureKind.LocalFault, $"{refusal.Message} The entry {item.Entry} stays in the spool.")
        {
            MayBeStored = mayBeStored,
            IsRedacted = true,
            Reason = refusal.Message,
            CellId = item.Note is { } note ? CellIdModule.Value(note.CellId) : null,
            ArtifactName = item.Note is { } named ? ArtifactNameModule.Value(named.ArtifactName) : null,
            TargetName = item.Note?.TargetName is { Value: var target }
                ? TargetNameModule.Value(target)
                : null,
        };

    public void Dispose()
    {
        foreach (var held in _held.Values)
            held.Dispose();
        _root.Dispose();
        _place.Dispose();
        _folder.Dispose();
    }

    private SpoolItem? Look(string entry, DrainScope scope)
    {
        try
        {
            return SpoolFiles.Look(_folder, entry) is { } found
                ? new SpoolItem(
                    entry,
                    Drain.Decide(scope, found),
                    found.Note?.Value is { IsOk: true } note ? note.ResultValue : null
                )
                : null;
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            return Refused(entry, exception);
        }
    }

    /// <exception cref="SpoolRefusedException">The folder cannot be listed.</exception>
    private IReadOnlyList<string> Entries()
    {
        try
        {
            return _folder.Entries();
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            throw SpoolRefusedException.Of(exception, Path);
        }
    }

    /// <summary>Removes an entry without a note, unless a push works at it: that push may be about to write the note.</summary>
    /// <returns>What is done with the entry; null if it is removed or left to the push.</returns>
    private SpoolItem? CleanIfLeft(string entry, DrainScope scope)
    {
        try
        {
            using var held = _folder.TryLock(entry);
            if (held is null)
                return null;
            var item = Look(entry, scope);
            if (item is not { Step.IsClean: true })
                return item;
            SpoolFiles.Tidy(_folder, entry);
            return null;
        }
        catch (Exception exception) when (SpoolRefusedException.IsFault(exception))
        {
            return Refused(entry, exception);
        }
    }

    /// <summary>An entry that the file system does not let be read or removed.</summary>
    private SpoolItem Refused(string entry, Exception exception) =>
        new(entry, DrainStep.NewRefuse(SpoolRefusedException.RefusalOf(exception, Path)), null);

    /// <summary>Checks that a copy has the content that was spooled.</summary>
    /// <exception cref="ExportException">It has other content.</exception>
    private async Task RequireWholeAsync(SpoolItem item, SpoolNote note, CancellationToken cancellationToken)
    {
        var sha256 = await Task.Run(
                () => SpoolFiles.Sha256Of(_folder, note, cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
        if (Drain.OnDigest(note, sha256 ?? "") is { Value: var damaged })
            throw Failure(item, damaged);
    }

    private async Task<ExportReceipt> PushAsync(
        SpoolItem item,
        SpoolNote note,
        Func<ExportArtifact, Task<ExportReceipt>> push
    )
    {
        ExportReceipt receipt;
        try
        {
            receipt = await push(Artifact(note)).ConfigureAwait(false);
        }
        catch (ExportException failure) when (!failure.IsSpooled)
        {
            throw SpoolPolicy.Keeps(CoreMapping.ToCore(failure.Kind))
                ? failure.Spooled(SpoolPolicy.Kept)
                : failure.NotSpooled(SpoolPolicy.Stays);
        }
        // Its name has no address in this target, for example.
        catch (ArgumentException exception)
        {
            throw Failure(item, Drain.Unfit(exception.Message));
        }

        return Drain.OnReceipt(note, CoreMapping.ToCore(receipt)) is { Value: var other }
            ? throw Failure(item, other, mayBeStored: true)
            : receipt;
    }
}
