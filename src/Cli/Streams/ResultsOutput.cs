namespace CellOS.Export.S3.Cli.Streams;

/// <summary>
/// Standard output, line by line. It fails where lines are lost, which .NET's own does not when the reader of a pipe has
/// gone (<c>| head -1</c>).
/// </summary>
/// <param name="output">Where the lines go.</param>
/// <param name="hasReader">Asked before each line.</param>
internal sealed class ResultsOutput(TextWriter output, Func<bool> hasReader)
{
    /// <param name="output">The standard output of this process.</param>
    internal static ResultsOutput Over(TextWriter output) =>
        new(output, () => !OperatingSystem.IsLinux() || StandardDescriptors.HasReader(1));

    /// <exception cref="IOException">The line is lost.</exception>
    internal void WriteLine(string line)
    {
        if (!hasReader())
            throw new IOException("Standard output cannot be written: the program that read it has ended.");
        try
        {
            output.WriteLine(line);
            output.Flush();
        }
        // A closed descriptor is an UnauthorizedAccessException (EBADF).
        // One that may not grow any further is an ArgumentOutOfRangeException (EFBIG).
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new IOException($"Standard output cannot be written: {exception.Message}");
        }
    }
}
