using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>
/// Standard output or standard error, by write(2). It fails where bytes are lost, which .NET's own stream does not when
/// the reader of a pipe has gone (<c>| head -1</c>).
/// </summary>
/// <param name="descriptor">The number, 1 or 2.</param>
/// <param name="isClosed">True if it was closed when the process began: nothing can be written.</param>
[UnsupportedOSPlatform("windows")]
internal sealed partial class DescriptorStream(int descriptor, bool isClosed) : Stream
{
    // errno(3); EAGAIN has another number on macOS.
    private const int Interrupted = 4;
    private static readonly int TryAgain = OperatingSystem.IsLinux() ? 11 : 35;

    // poll(2), from poll.h
    private const short Writable = 0x4;
    private const int Endless = -1;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        internal int Descriptor;
        internal short Requested;
        internal short Returned;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);

    /// <exception cref="LostOutputException">Some of the bytes are lost.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (isClosed)
            throw Lost("it was closed when the process began");

        while (!buffer.IsEmpty)
        {
            var written = WriteSome(descriptor, buffer, (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == TryAgain)
                WaitUntilWritable();
            else if (error != Interrupted)
                throw Lost(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>The process that started this one may have made the pipe non-blocking.</summary>
    private void WaitUntilWritable()
    {
        var asked = new PollDescriptor { Descriptor = descriptor, Requested = Writable };
        _ = Poll(ref asked, 1, Endless);
    }

    private LostOutputException Lost(string reason) =>
        new(descriptor == 1 ? "Standard output" : "Standard error", reason);

    public override void Flush() { }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
