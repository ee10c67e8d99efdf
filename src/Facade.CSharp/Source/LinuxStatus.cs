using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace CellOS.Export.S3.Source;

/// <summary>The status of a file, by statx(2): its structure and constants are the same on every architecture.</summary>
[SupportedOSPlatform("linux")]
internal static partial class LinuxStatus
{
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;
    private const uint BirthTime = 0x800;
    private const int TypeMask = 0xf000;

    /// <summary>The rights of the group and of all users to write.</summary>
    private const int OthersWrite = 0x12;

    // The types of stx_mode (inode(7)).
    internal const int Pipe = 0x1000;
    internal const int CharacterDevice = 0x2000;
    internal const int Folder = 0x4000;
    internal const int BlockDevice = 0x6000;
    internal const int RegularFile = 0x8000;
    internal const int SymbolicLink = 0xa000;
    internal const int Socket = 0xc000;

    /// <summary>The fields of <c>struct statx</c> that are used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct Statx
    {
        /// <summary>The fields that the file system has filled in.</summary>
        [FieldOffset(0)]
        private readonly uint _mask;

        [FieldOffset(16)]
        internal uint Links;

        /// <summary>The id of the user who owns it.</summary>
        [FieldOffset(20)]
        internal uint Owner;

        [FieldOffset(28)]
        private readonly ushort _mode;

        [FieldOffset(32)]
        private readonly ulong _inode;

        [FieldOffset(40)]
        private readonly ulong _size;

        [FieldOffset(80)]
        private readonly long _bornSeconds;

        [FieldOffset(88)]
        private readonly uint _bornNanoseconds;

        [FieldOffset(96)]
        private readonly long _changedSeconds;

        [FieldOffset(104)]
        private readonly uint _changedNanoseconds;

        [FieldOffset(112)]
        private readonly long _modifiedSeconds;

        [FieldOffset(120)]
        private readonly uint _modifiedNanoseconds;

        [FieldOffset(136)]
        private readonly uint _deviceMajor;

        [FieldOffset(140)]
        private readonly uint _deviceMinor;

        /// <summary>The type, one of the constants.</summary>
        internal readonly int Type => _mode & TypeMask;

        /// <summary>True if others than the owner may write to it.</summary>
        internal readonly bool IsWritableByOthers => (_mode & OthersWrite) != 0;

        internal readonly FileStamp Stamp =>
            new(
                checked((long)_size),
                Nanoseconds(_modifiedSeconds, _modifiedNanoseconds),
                Nanoseconds(_changedSeconds, _changedNanoseconds),
                new FileId(((ulong)_deviceMajor << 32) | _deviceMinor, _inode),
                (_mask & BirthTime) == 0 ? null : Nanoseconds(_bornSeconds, _bornNanoseconds)
            );

        private static long Nanoseconds(long seconds, uint nanoseconds) =>
            unchecked(seconds * 1_000_000_000 + nanoseconds);
    }

    [LibraryImport(
        "libc",
        EntryPoint = "statx",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int GetStatus(
        SafeHandle folder,
        string path,
        int flags,
        uint mask,
        out Statx status
    );

    [LibraryImport(
        "libc",
        EntryPoint = "statx",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial int GetStatus(int folder, string path, int flags, uint mask, out Statx status);

    /// <summary>Returns the status of an open file.</summary>
    /// <exception cref="IOException">The system does not report it.</exception>
    internal static Statx Of(SafeHandle handle) =>
        GetStatus(handle, "", EmptyPath, BasicStats | BirthTime, out var status) == 0
            ? status
            : throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));

    /// <summary>
    /// Returns the status of a name in an open folder, a link not followed; null, with <c>errno</c> as the last error,
    /// if it cannot be looked at.
    /// </summary>
    internal static Statx? TryGet(SafeHandle folder, string name) =>
        GetStatus(folder, name, NoFollow, BasicStats | BirthTime, out var status) == 0 ? status : null;

    /// <summary>The same for a path.</summary>
    internal static Statx? TryGet(string path, bool follow) =>
        GetStatus(CurrentFolder, path, follow ? 0 : NoFollow, BasicStats | BirthTime, out var status) == 0
            ? status
            : null;
}
