using System.Collections.Concurrent;
using CellOS.Export.S3.Core;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>
/// For a terminal: bars with rate and time left, drawn anew ten times a second by a task of their own; failures and notes
/// stay above them, and so do artifacts that were exported if standard output does not show them. The reporting threads
/// only count.
/// </summary>
internal sealed class TerminalDisplay : IPushDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly IAnsiConsole _console;
    private readonly PushBoard _board;
    private readonly bool _showsExported;
    private readonly bool _isBare;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _drawing;

    /// <param name="console">The terminal.</param>
    /// <param name="time">The clock.</param>
    /// <param name="showsExported">True for a line for each artifact that was exported.</param>
    /// <param name="shard">The shard that is exported; null for all artifacts.</param>
    /// <param name="isBare">True for bars alone: neither lines nor a summary.</param>
    internal TerminalDisplay(
        IAnsiConsole console,
        TimeProvider time,
        bool showsExported = false,
        Core.Shard? shard = null,
        bool isBare = false
    )
    {
        _isBare = isBare;
        _console = console;
        _showsExported = showsExported;
        _board = new PushBoard(time, shard);
        _drawing = Task.Run(() => DrawAsync(time));
    }

    /// <summary>A console over standard error; the library's own is over standard output.</summary>
    internal static IAnsiConsole Open(TextWriter error, bool colours) =>
        AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(error),
                Ansi = AnsiSupport.Yes,
                ColorSystem = colours ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.Yes,
            }
        );

    public void Started(int artifacts, long bytes) => _board.Started(artifacts, bytes);

    public void BytesMoved(string artifact, int attempt, long sent, long length) =>
        _board.BytesMoved(artifact, attempt, sent, length);

    public void Waits(string artifact, int attempt, long length, ExportRetryWait wait) =>
        _board.Waits(artifact, attempt, length, wait);

    public void Exported(string artifact, long bytes)
    {
        _board.Exported(artifact, bytes);
        if (_showsExported)
            _lines.Enqueue($"exported {artifact} ({Amounts.Bytes(bytes)})");
    }

    public void Unwritten() => _board.Unwritten();

    public void Skipped(string artifact, long bytes) => _board.Skipped(artifact, bytes);

    public void Failed(string artifact, string message)
    {
        _board.Failed(artifact);
        _lines.Enqueue($"failed {artifact}: {message}");
    }

    public void Spooled(string artifact, string message)
    {
        _board.Spooled(artifact);
        _lines.Enqueue($"spooled {artifact}: {message}");
    }

    public void Note(string sentence) => _lines.Enqueue(sentence);

    private async Task DrawAsync(TimeProvider time)
    {
        await _console
            .Live(Picture())
            .AutoClear(true)
            .StartAsync(async live =>
            {
                while (!_end.Task.IsCompleted)
                {
                    WriteLines();
                    live.UpdateTarget(Picture());
                    await Task.WhenAny(_end.Task, Task.Delay(Interval, time)).ConfigureAwait(false);
                }
            })
            .ConfigureAwait(false);
        WriteLines();
    }

    private IRenderable Picture() =>
        PushView.Draw(
            _board.Look(),
            _console.Profile.Width,
            _console.Profile.Height,
            _console.Profile.Capabilities.Unicode
        );

    private void WriteLines()
    {
        while (_lines.TryDequeue(out var line) && !_isBare)
            _console.Write(new KeptLine(Shown.Sentence(line)));
    }

    /// <summary>
    /// A line that stays above the bars. Live displays write it over the bars, so it erases the rest of each row.
    /// </summary>
    private sealed class KeptLine(string text) : IRenderable
    {
        private static readonly Segment EraseToEnd = Segment.Control("\u001b[K");
        private readonly IRenderable _text = new Text(text);

        public Measurement Measure(RenderOptions options, int maxWidth) => _text.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            Segment
                .SplitLines(_text.Render(options, maxWidth))
                .SelectMany(row => row.Append(EraseToEnd).Append(Segment.LineBreak));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_end.TrySetResult())
            return;
        await _drawing.ConfigureAwait(false);
        if (_board.HasStarted && !_isBare)
            _console.WriteLine(_board.Look().Summary);
    }
}
