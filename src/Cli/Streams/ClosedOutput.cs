using System.Text;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>Standard output that was closed when the process began: it fails where a result is lost.</summary>
internal sealed class ClosedOutput : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    /// <exception cref="IOException">Always.</exception>
    public override void Write(char value) => throw new IOException("standard output is closed.");
}
