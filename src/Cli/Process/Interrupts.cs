using System.Runtime.InteropServices;

namespace CellOS.Export.S3.Cli;

/// <summary>
/// Turns the first signal that would end the process, such as Ctrl-C (SIGINT), into a cancellation, so that the command can
/// end cleanly. The second one ends the process at once, as it does by default.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    /// <summary>
    /// The signals with their numbers, which are those of Linux; macOS has the same ones but for two. SIGQUIT ends the process
    /// at once.
    /// </summary>
    private static readonly (PosixSignal Signal, int Number)[] Signals =
    [
        (PosixSignal.SIGHUP, 1),
        (PosixSignal.SIGINT, 2),
        (PosixSignal.SIGTERM, 15),
        .. Numbers.Select(number => ((PosixSignal)number, number)),
    ];

    /// <summary>SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF; .NET takes their numbers on Unix.</summary>
    private static int[] Numbers =>
        OperatingSystem.IsWindows() ? []
        : OperatingSystem.IsMacOS() ? [30, 31, 14, 24, 26, 27]
        : [10, 12, 14, 24, 26, 27];

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _exitCode;

    internal Interrupts() =>
        _registrations = [
            .. Signals.Select(item =>
                PosixSignalRegistration.Create(
                    item.Signal,
                    context => Take(context, ExitCode.OfSignal + item.Number)
                )
            ),
        ];

    internal CancellationToken Token => _source.Token;

    /// <summary>What the process ends with because of the signal; null if there was none.</summary>
    internal int? ExitCodeOfSignal => Volatile.Read(ref _exitCode) is var code and not 0 ? code : null;

    private void Take(PosixSignalContext context, int exitCode)
    {
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0)
            return;

        context.Cancel = true;
        // Not here: what listens to the token must not hold up the thread that takes signals.
        _ = _source.CancelAsync();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        // The source stays: a signal may be on its way to it, and the process ends anyhow.
    }
}
