using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>
/// For logs and pipes: one line for each artifact that ended, and one for all of them. A quiet display writes failures
/// and notes only: a note says what was left out or what the store did not confirm.
/// </summary>
internal sealed class LineDisplay(TextWriter error, TimeProvider time, bool quiet, Core.Shard? shard = null)
    : IPushDisplay
{
    private readonly TextWriter _error = TextWriter.Synchronized(error);
    private readonly PushBoard _board = new(time, shard);
    private int _ended;

    public void Started(int artifacts, long bytes) => _board.Started(artifacts, bytes);

    /// <summary>Nothing of this is shown, and what is counted for the summary is shown at the end.</summary>
    public void BytesMoved(string artifact, int attempt, long sent, long length) { }

    public void Waits(string artifact, int attempt, long length, ExportRetryWait wait) =>
        Write($"retry {artifact}: {Amounts.Again(wait, time.GetUtcNow())}");

    public void Exported(string artifact, long bytes)
    {
        _board.Exported(artifact, bytes);
        Write($"exported {artifact} ({Amounts.Bytes(bytes)})");
    }

    public void Unwritten() => _board.Unwritten();

    public void Skipped(string artifact, long bytes)
    {
        _board.Skipped(artifact, bytes);
        Write($"skipped {artifact}: it has a receipt");
    }

    public void Failed(string artifact, string message)
    {
        _board.Failed(artifact);
        WriteAlways($"failed {artifact}: {message}");
    }

    public void Spooled(string artifact, string message)
    {
        _board.Spooled(artifact);
        WriteAlways($"spooled {artifact}: {message}");
    }

    public void Note(string sentence) => WriteAlways(sentence);

    private void Write(string line)
    {
        if (!quiet)
            WriteAlways(line);
    }

    private void WriteAlways(string line) => _error.WriteLine(Shown.Sentence(line));

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0 && _board.HasStarted)
            Write(_board.Look().Summary);
        return ValueTask.CompletedTask;
    }
}
