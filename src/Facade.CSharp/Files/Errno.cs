namespace CellOS.Export.S3.Files;

/// <summary>Error numbers of Linux: errno(3).</summary>
internal static class Errno
{
    internal const int PermissionDenied = 1;
    internal const int NoEntry = 2;
    internal const int Interrupted = 4;
    internal const int NoDevice = 6;
    internal const int WouldBlock = 11;
    internal const int AccessDenied = 13;
    internal const int Exists = 17;
    internal const int NotADirectory = 20;
    internal const int Invalid = 22;
    internal const int ReadOnlyFileSystem = 30;
    internal const int NameTooLong = 36;
    internal const int NoSystemCall = 38;
    internal const int TooManyLinks = 40;
}
