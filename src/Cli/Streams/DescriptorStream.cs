using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Cli.Streams;

/// <summary>
/// Standard output or standard error, by write(2). It fails where bytes are lost, which .NET's own stream does not when
/// the reader of a pipe has gone (<c>| head -1</c>).
/// </summary>
/// <param name="descriptor">The number, 1 or 2.</param>
/// <param name="isClosed">True if it was closed when the process began: nothing can be written.</param>
/// <param name="interruption">Returns what ends the waiting for a reader that does not read.</param>
/// <param name="gate">
/// The lock of all streams to the same pipe, file or terminal: what one write(2) does not take is not torn by another
/// stream's bytes. A lock of its own if null.
/// </param>
[UnsupportedOSPlatform("windows")]
internal sealed partial class DescriptorStream(
    int descriptor,
    bool isClosed,
    Func<CancellationToken> interruption,
    Lock? gate = null
) : Stream
{
    private readonly Lock _gate = gate ?? new();

    // errno(3); EAGAIN has another number on macOS.
    private const int Interrupted = 4;
    private static readonly int TryAgain = OperatingSystem.IsLinux() ? 11 : 35;

    // poll(2), from poll.h
    private const short Writable = 0x4;

    /// <summary>
    /// The time in ms after which an interruption is noticed, and which a reader has to make room after one.
    /// </summary>
    private const int Patience = 500;

    /// <summary>
    /// What a pipe takes at once where poll(2) says that it is writable (PIPE_BUF of Linux; macOS has less): with more,
    /// write(2) may wait.
    /// </summary>
    private static readonly int MostAtOnce = OperatingSystem.IsLinux() ? 4096 : 512;

    /// <summary>True after a line of which a part may be missing: nothing may follow it.</summary>
    private bool _isGivenUp;

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        internal int Descriptor;
        internal short Requested;
        internal short Returned;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int milliseconds);

    /// <exception cref="LostOutputException">Some of the bytes are lost.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (isClosed)
            throw Lost("it was closed when the process began");

        lock (_gate)
        {
            WriteAll(buffer);
        }
    }

    private void WriteAll(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            WaitUntilWritable();
            var written = WriteSome(descriptor, buffer, (nuint)Math.Min(buffer.Length, MostAtOnce));
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error is not Interrupted && error != TryAgain)
                throw Lost(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Returns when there is room, or an error that the next write reports.</summary>
    /// <exception cref="LostOutputException">The push was interrupted, and the reader does not read.</exception>
    private void WaitUntilWritable()
    {
        while (!_isGivenUp)
        {
            var asked = new PollDescriptor { Descriptor = descriptor, Requested = Writable };
            // Asked before the wait: after the interruption the reader has the whole time.
            var isInterrupted = interruption().IsCancellationRequested;
            // 0 is the end of the time; an error, such as EINTR, is for write(2) or for the next round.
            if (Poll(ref asked, 1, Patience) is var found and not 0)
            {
                if (found > 0 || Marshal.GetLastPInvokeError() != Interrupted)
                    return;
            }
            else if (isInterrupted)
                _isGivenUp = true;
        }

        throw Lost("its reader did not read before the push was interrupted");
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
