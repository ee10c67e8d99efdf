using System.Runtime.Versioning;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.FSharp.Collections;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Local;

/// <summary>
/// Writes one artifact into the folder of its cell. A file under its own name is complete: it is written under a
/// temporary name, flushed to disk, and renamed.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LocalWriter(LocalPlan plan, TimeProvider time)
{
    /// <summary>The time between two looks at a temporary file that another push has.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly string _name = LocalNameModule.Value(plan.File);
    private readonly string _temporary = LocalNameModule.Temporary(plan.File);

    /// <summary>The length of the source, once it is open.</summary>
    internal long Length { get; private set; }

    /// <summary>Exports the file.</summary>
    /// <param name="path">The source.</param>
    /// <param name="moved">Told how many bytes have been written.</param>
    /// <param name="clock">The time of the push.</param>
    /// <param name="cancellationToken">Ends it; then no file has got the artifact's name.</param>
    /// <exception cref="FolderFaultException">It was not exported.</exception>
    internal async Task<LocalCopy> WriteAsync(
        SourcePath path,
        Action<long> moved,
        PushClock clock,
        CancellationToken cancellationToken
    )
    {
        try
        {
            using var source = SourceFile.Open(path, time: time);
            Length = source.Length;
            var started = clock.Now;
            FolderFaultException.ThrowIf(LocalPolicy.OnLength(plan, Length));
            using var folder = CellFolder.Open(plan.Target.Root, CellIdModule.Value(plan.Target.CellId));
            moved(0);
            if (await ExistingAsync(folder, source, cancellationToken).ConfigureAwait(false) is { } equal)
                return new LocalCopy(equal, isReadBack: true, started, clock.Now);

            var (sent, isReadBack) = await CopyAsync(folder, source, moved, cancellationToken)
                .ConfigureAwait(false);
            return new LocalCopy(sent, isReadBack, started, clock.Now);
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or SourceException
                        or OutOfMemoryException
            )
        {
            throw FolderFaultException.From(exception, plan.Destination);
        }
    }

    /// <summary>
    /// Compares the file that has the name already; null if there is none. Equal content is what the push was to write.
    /// </summary>
    private async Task<Sent?> ExistingAsync(
        CellFolder folder,
        SourceFile source,
        CancellationToken cancellationToken
    )
    {
        using var existing = folder.TryOpen(_name);
        if (existing is null)
            return null;

        if (RandomAccess.GetLength(existing) == source.Length)
        {
            DigestAlgorithm[] algorithms = [DigestAlgorithm.Sha256, .. Others];
            var own = await new DigestPass(source, algorithms)
                .TakeAsync(cancellationToken)
                .ConfigureAwait(false);
            var there = await Task.Run(() => Hasher.Sha256Of(existing, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
            if (there.Equals(own[0]))
            {
                // A push that crashed may have renamed it, and flushed nothing.
                Files.LinuxPath.Flush(existing);
                folder.Flush();
                return new Sent(source.Length, own[0], ListModule.OfSeq(own.Skip(1)));
            }
        }

        FolderFaultException.ThrowIf(LocalPolicy.OnOtherContent(plan));
        return null;
    }

    private async Task<(Sent, bool)> CopyAsync(
        CellFolder folder,
        SourceFile source,
        Action<long> moved,
        CancellationToken cancellationToken
    )
    {
        using var file = await TemporaryAsync(folder, cancellationToken).ConfigureAwait(false);
        var isNamed = false;
        try
        {
            var sent = await FileFill
                .FromAsync(source, file, [.. Others], moved, cancellationToken)
                .ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            Files.LinuxPath.Flush(file);
            if (plan.Target.ReadBack)
                await ReadBackAsync(file, sent, cancellationToken).ConfigureAwait(false);
            isNamed = folder.TryRename(_temporary, _name, plan.Target.Overwrite);
            // Another program has written one meanwhile.
            if (!isNamed)
                return
                    await ExistingAsync(folder, source, cancellationToken).ConfigureAwait(false) is { } equal
                    ? (equal, true)
                    : throw new IOException("another program took the name and removed it again");
            try
            {
                folder.Flush();
            }
            catch (FolderFaultException exception)
            {
                throw exception.AfterNaming();
            }

            return (sent, plan.Target.ReadBack);
        }
        finally
        {
            if (!isNamed)
                folder.Forget(_temporary);
        }
    }

    private async Task<SafeFileHandle> TemporaryAsync(CellFolder folder, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (folder.TryOpenTemporary(_temporary) is { } file)
                return file;
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads what was written, and compares it. The file does not have its name yet.</summary>
    /// <exception cref="FolderFaultException">It has other content.</exception>
    private static async Task ReadBackAsync(
        SafeFileHandle file,
        Sent sent,
        CancellationToken cancellationToken
    )
    {
        var read = await Task.Run(() => Hasher.Sha256Of(file, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        FolderFaultException.ThrowIf(LocalPolicy.OnReadBack(sent.Sha256, read));
    }

    private IEnumerable<DigestAlgorithm> Others => plan.Target.Md5 ? [DigestAlgorithm.Md5] : [];
}
