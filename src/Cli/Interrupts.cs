using System.Runtime.InteropServices;

namespace CellOS.Export.S3.Cli;

/// <summary>
/// Turns the first Ctrl-C (SIGINT), SIGTERM or SIGHUP into a cancellation, so that the command can end cleanly. The
/// second one ends the process at once, as it does by default.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _exitCode;

    internal Interrupts()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(
                PosixSignal.SIGINT,
                context => Take(context, ExitCode.Interrupted)
            ),
            PosixSignalRegistration.Create(
                PosixSignal.SIGTERM,
                context => Take(context, ExitCode.Terminated)
            ),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Take(context, ExitCode.HungUp)),
        ];
    }

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
