using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Source;

/// <summary>One reading of the file for its digests alone.</summary>
internal sealed class DigestPass(SourceFile source, IReadOnlyList<DigestAlgorithm> algorithms) : FileWork
{
    private IReadOnlyList<Digest> _digests = [];

    /// <summary>Takes the digests of the file. A read that hangs is left alone when the time is over.</summary>
    /// <exception cref="SourceException">Reading failed, or the file has changed.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal async Task<IReadOnlyList<Digest>> TakeAsync(CancellationToken cancellationToken)
    {
        Begin(cancellationToken);
        await EndAsync().ConfigureAwait(false);
        return _digests;
    }

    protected override void Perform() =>
        _digests = source.TakeDigests(algorithms, static () => { }, Cancellation);
}
