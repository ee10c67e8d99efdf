namespace CellOS.Export.S3.Source;

/// <summary>One reading of the file for its MD5 alone.</summary>
internal sealed class Md5Pass(SourceFile source) : FileWork
{
    private byte[] _md5 = [];

    /// <summary>The MD5 of the file. A read that hangs is left alone when the time is over.</summary>
    /// <exception cref="SourceException">Reading failed, or the file has changed.</exception>
    /// <exception cref="OperationCanceledException">The time is over.</exception>
    internal async Task<byte[]> TakeAsync(CancellationToken cancellationToken)
    {
        Begin(cancellationToken);
        await EndAsync().ConfigureAwait(false);
        return _md5;
    }

    protected override void Perform() => _md5 = source.TakeMd5(Cancellation);
}
