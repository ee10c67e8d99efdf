namespace CellOS.Export.S3.Cli;

/// <summary>What the process ends with. A signal gives 128 and its number, as shells count.</summary>
internal static class ExitCode
{
    /// <summary>All that was asked for was done.</summary>
    internal const int Done = 0;

    /// <summary>Some artifact was not exported, or the tool itself failed.</summary>
    internal const int Failed = 1;

    /// <summary>The command or the configuration was refused; nothing was sent.</summary>
    internal const int Refused = 2;

    /// <summary>SIGHUP: the terminal or the session has ended.</summary>
    internal const int HungUp = 129;

    /// <summary>Ctrl-C, SIGINT.</summary>
    internal const int Interrupted = 130;

    /// <summary>SIGTERM.</summary>
    internal const int Terminated = 143;
}
