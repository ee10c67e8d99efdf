using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using static CellOS.Export.S3.Files.Errno;

namespace CellOS.Export.S3.Files;

/// <summary>
/// Locks of an open file for writing: F_OFD_SETLK of fcntl(2). They hold against every other opening of the file, in this
/// process too, and end when the file is closed, however the process ends. .NET ignores these locks when it opens a file; an
/// flock(2) lock would block it.
/// </summary>
[SupportedOSPlatform("linux")]
internal static partial class RangeLock
{
    private const int SetLock = 37;
    private const short ForWriting = 1;

    /// <summary><c>struct flock</c> of 64-bit offsets.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct FileLock
    {
        [FieldOffset(0)]
        internal short Type;

        [FieldOffset(8)]
        internal long Start;

        [FieldOffset(16)]
        internal long Length;
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Lock(SafeFileHandle handle, int command, in FileLock fileLock);

    /// <summary>Locks a range, or the whole file.</summary>
    /// <param name="handle">The file, open for writing.</param>
    /// <param name="start">Where the range begins; the file need not reach it.</param>
    /// <param name="length">The number of bytes; 0 for all from there on.</param>
    /// <returns>False if another opening of the file has a part of the range locked. Some network file systems have no locks: true there.</returns>
    internal static bool TryTake(SafeFileHandle handle, long start = 0, long length = 0) =>
        Lock(
            handle,
            SetLock,
            new FileLock
            {
                Type = ForWriting,
                Start = start,
                Length = length,
            }
        ) == 0
        || Marshal.GetLastPInvokeError() is not (WouldBlock or AccessDenied);
}
