namespace CellOS.Export.S3.Cli.Progress;

/// <summary>
/// What standard error shows of a push. Any number of threads may call at once, and none is held up for long. An
/// artifact is called by a text that no other artifact of the push is called by. Ends, with a summary if it was started, when disposed.
/// </summary>
internal interface IPushDisplay : IAsyncDisposable
{
    /// <summary>How much there is to do, before everything else of it; and how much more, where a drain goes on to another cell.</summary>
    void Started(int artifacts, long bytes);

    /// <summary>So many bytes of an artifact have been handed over in this attempt.</summary>
    void BytesMoved(string artifact, int attempt, long sent, long length);

    /// <summary>Reports that an artifact waits for its next attempt.</summary>
    /// <param name="artifact">The artifact.</param>
    /// <param name="attempt">The number of the next attempt.</param>
    /// <param name="length">The length of the artifact in bytes.</param>
    /// <param name="wait">The reason and the end of the wait.</param>
    void Waits(string artifact, int attempt, long length, ExportRetryWait wait);

    /// <summary>It has a receipt.</summary>
    void Exported(string artifact, long bytes);

    /// <summary>The receipt of an artifact that was exported could not be written to where it belongs.</summary>
    void Unwritten();

    /// <summary>It had a receipt before.</summary>
    void Skipped(string artifact, long bytes);

    /// <summary>It ended without a receipt.</summary>
    void Failed(string artifact, string message);

    /// <summary>It ended without a receipt, and is kept in a spool.</summary>
    void Spooled(string artifact, string message);

    /// <summary>Something that the operator should know, and that is no failure.</summary>
    void Note(string sentence);
}
