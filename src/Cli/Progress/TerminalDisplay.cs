using System.Collections.Concurrent;
using CellOS.Export.S3.Core;
using Spectre.Console;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>
/// For a terminal: bars with rate and time left, drawn anew ten times a second by a task of their own; failures and notes
/// stay above them. The reporting threads only count.
/// </summary>
internal sealed class TerminalDisplay : IPushDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly IAnsiConsole _console;
    private readonly PushBoard _board;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _drawing;

    internal TerminalDisplay(IAnsiConsole console, TimeProvider time)
    {
        _console = console;
        _board = new PushBoard(time);
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

    public void Exported(string artifact, long bytes) => _board.Exported(artifact, bytes);

    public void Skipped(string artifact, long bytes) => _board.Skipped(artifact, bytes);

    public void Failed(string artifact, string message)
    {
        _board.Failed(artifact);
        _lines.Enqueue($"failed {artifact}: {message}");
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

    private Spectre.Console.Rendering.IRenderable Picture() =>
        PushView.Draw(
            _board.Look(),
            _console.Profile.Width,
            _console.Profile.Height,
            _console.Profile.Capabilities.Unicode
        );

    private void WriteLines()
    {
        while (_lines.TryDequeue(out var line))
            _console.WriteLine(Shown.Line(line));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_end.TrySetResult())
            return;
        await _drawing.ConfigureAwait(false);
        if (_board.HasStarted)
            _console.WriteLine(_board.Look().Summary);
    }
}
