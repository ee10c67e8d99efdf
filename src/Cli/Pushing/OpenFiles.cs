namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// The number of artifacts that may be under way at once without reaching this process's limit of open files. At the limit
/// the runtime can load no library and compile no method, and ends the process.
/// </summary>
internal static class OpenFiles
{
    /// <summary>What libraries, the receipts file and the terminal need beside the artifacts.</summary>
    private const int Reserve = 64;

    /// <summary>A file, its folder, a connection, and another one that is being closed.</summary>
    private const int PerArtifact = 4;

    /// <summary>A process that may not be inspected cannot list its own files: none are counted then.</summary>
    private static readonly EnumerationOptions Readable = new()
    {
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.None,
    };

    /// <summary>Returns the number of artifacts that may be under way at once.</summary>
    /// <param name="concurrency">The number that was asked for.</param>
    /// <param name="note">Takes a sentence if the number is lower.</param>
    /// <exception cref="RefusedException">The limit is too low for one artifact.</exception>
    internal static int Fit(int concurrency, Action<string> note)
    {
        if (ProcessLimits.OpenFiles is not { } limit)
            return concurrency;
        var open = Directory.EnumerateFileSystemEntries("/proc/self/fd", "*", Readable).Count();
        var fitting = Fitting(limit, open);
        if (fitting < 1)
            throw new RefusedException(
                $"The limit of open files ({limit}) is too low for an export. Raise it (ulimit -n) to {open + Reserve + PerArtifact} or more."
            );
        if (fitting >= concurrency)
            return concurrency;
        note(
            $"The limit of open files ({limit}) allows {fitting} artifacts at once instead of {concurrency}. Raise it (ulimit -n), or lower --concurrency."
        );
        return fitting;
    }

    /// <summary>Returns the number of artifacts that a limit allows; 0 if it allows none.</summary>
    /// <param name="limit">The limit of open files.</param>
    /// <param name="open">The number of files that are open already.</param>
    internal static int Fitting(long limit, int open) =>
        (int)Math.Clamp((limit - open - Reserve) / PerArtifact, 0, int.MaxValue);
}
