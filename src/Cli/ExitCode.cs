namespace CellOS.Export.S3.Cli;

/// <summary>What the process ends with. A signal gives 128 and its number, as shells count.</summary>
internal static class ExitCode
{
    /// <summary>All that was asked for was done.</summary>
    internal const int Done = 0;

    /// <summary>Some artifact was not exported, a check failed, or the tool itself failed.</summary>
    internal const int Failed = 1;

    /// <summary>The command, the configuration or an input was refused; nothing was sent.</summary>
    internal const int Refused = 2;

    /// <summary>What was not exported is in a spool, and nothing worse happened.</summary>
    internal const int Spooled = 3;

    /// <summary>What the number of a signal is added to.</summary>
    internal const int OfSignal = 128;

    /// <summary>The codes and what they mean, for people.</summary>
    internal static readonly IReadOnlyList<(string Codes, string Meaning)> Meanings =
    [
        (
            $"{Done}",
            "push: all is exported, or the PATHs contain no file or the shard no artifact, which a note says; drain: nothing of what was asked for is left in the spool; check: push would export all of it; verify: everything is as it was exported"
        ),
        (
            $"{Failed}",
            "some artifact was not exported, a receipt, a result or the seal of the run could not be written, or the tool itself failed; in strict mode also, a file changed, or appeared in a folder, and was not exported as it is at the end; verify: a check failed"
        ),
        (
            $"{Refused}",
            "the command or the configuration is refused, or an artifact certainly cannot be exported with it, and nothing was sent; verify: an input cannot be read"
        ),
        (
            $"{Spooled}",
            "push and drain: what is not exported failed for a temporary reason and is kept in the spool, and nothing worse happened: drain it later"
        ),
        (
            $"{OfSignal} + N",
            "interrupted by the signal N, such as 129 (SIGHUP), 130 (SIGINT, Ctrl-C), 143 (SIGTERM) or 152 (SIGXCPU): what has a receipt is exported and in the file; what was under way has none; drain: the rest is in the spool; verify: there is no verdict"
        ),
    ];
}
