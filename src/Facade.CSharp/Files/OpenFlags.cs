namespace CellOS.Export.S3.Files;

/// <summary>
/// Flags of open(2) that are the same on every architecture, from asm-generic/fcntl.h; <see cref="Source.LinuxFile"/> has the others.
/// </summary>
internal static class OpenFlags
{
    internal const int ReadOnly = 0;
    internal const int ReadWrite = 2;
    internal const int Create = 0x40;
    internal const int NoControllingTerminal = 0x100;
    internal const int NonBlocking = 0x800;
    internal const int CloseOnExec = 0x80000;
    internal const int PathOnly = 0x200000;
}
