using System.Text;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>
/// Standard error that may be closed, or go to a full disk. Nothing can be said of that anywhere, and it is no reason to
/// leave evidence unsent, or to crash: what cannot be written is lost, and the exit code still tells. It is opened when
/// there is something to say, which costs time that a good check does not need.
/// </summary>
internal sealed class UnfailingError(Func<TextWriter> open) : TextWriter
{
    private readonly Lazy<TextWriter> _inner = new(open);

    public override Encoding Encoding => _inner.Value.Encoding;

    /// <summary>Takes the place of standard error for the libraries that write there as well.</summary>
    /// <returns>This one, fit for any number of threads.</returns>
    internal TextWriter Install()
    {
        _ = _inner.Value;
        Console.SetError(this);
        return Console.Error;
    }

    public override void Write(char value) => Try(() => _inner.Value.Write(value));

    public override void Write(string? value) => Try(() => _inner.Value.Write(value));

    public override void Write(char[] buffer, int index, int count) =>
        Try(() => _inner.Value.Write(buffer, index, count));

    public override void WriteLine(string? value) => Try(() => _inner.Value.WriteLine(value));

    public override void Flush() => Try(() => _inner.Value.Flush());

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Lost; see above.
        }
    }
}
