using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;
using Microsoft.Win32.SafeHandles;

namespace CellOS.Export.S3.Local;

/// <summary>Copies a source, as it is checked everywhere: one state of one regular file.</summary>
internal static class FileFill
{
    private static readonly Action Nothing = static () => { };

    /// <summary>Writes the content, and takes its digests in the same pass.</summary>
    /// <param name="source">What is copied.</param>
    /// <param name="file">Where it goes, from the beginning on. It is not flushed.</param>
    /// <param name="others">The algorithms besides SHA-256.</param>
    /// <param name="moved">Told how many bytes have been written.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SourceException">The source cannot be read, or has changed.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    internal static async Task<Sent> FromAsync(
        SourceFile source,
        SafeFileHandle file,
        IReadOnlyCollection<DigestAlgorithm> others,
        Action<long> moved,
        CancellationToken cancellationToken
    )
    {
        using var pass = new SourcePass(source, source.Length, others, Nothing);
        var offset = 0L;
        do
        {
            var piece = await pass.NextAsync(cancellationToken).ConfigureAwait(false);
            await RandomAccess.WriteAsync(file, piece, offset, cancellationToken).ConfigureAwait(false);
            offset += piece.Length;
            moved(offset);
        } while (offset < source.Length);

        await pass.ProveAsync(cancellationToken).ConfigureAwait(false);
        return await pass.DigestsAsync().ConfigureAwait(false);
    }
}
