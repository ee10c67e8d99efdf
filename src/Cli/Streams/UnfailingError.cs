using System.Text;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>
/// Standard error that may be closed, or go to a full disk. Nothing can be said of that anywhere, and it is no reason to
/// leave evidence unsent, or to crash: what cannot be written is lost, and the exit code still tells.
/// </summary>
internal sealed class UnfailingError(TextWriter inner) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) =>
        Try(() => inner.Write(buffer, index, count));

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        // A closed descriptor is an UnauthorizedAccessException (EBADF).
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Lost; see above.
        }
    }
}
