using System.Net.Sockets;

namespace CellOS.Export.S3.Http;

/// <summary>Recognises faults of this process or its host, which say nothing about network, server or disk.</summary>
internal static class LocalFault
{
    // errno(3): the same on every architecture of .NET.
    private const int NoMemory = 12;
    private const int TooManyFilesInSystem = 23;
    private const int TooManyFiles = 24;

    private const string TooMany =
        "this process has too many open files: raise the limit (ulimit -n), or export fewer artifacts at once";

    /// <summary>Returns what this process or its host lacks; null if the exception says nothing of the kind.</summary>
    internal static string? Describe(Exception exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
            if (Of(inner) is { } fault)
                return fault;

        return null;
    }

    /// <summary>True for the name of a library, which is not a path.</summary>
    private static bool IsLibrary(string name) =>
        name.Contains(", Version=", StringComparison.Ordinal)
        && name.Contains(", Culture=", StringComparison.Ordinal);

    private static string NameOf(string library) => library[..library.IndexOf(',')];

    private static string NotLoaded(string library) =>
        $"this process could not load its library {library}, which happens at the limit of open files: raise the limit (ulimit -n), or export fewer artifacts at once. If the limit is high enough, install the program again";

    private static string? Of(Exception exception) =>
        exception switch
        {
            OutOfMemoryException =>
                "this process ran out of memory: give it more, or export fewer artifacts at once",
            SocketException { SocketErrorCode: SocketError.TooManyOpenSockets } => TooMany,
            SocketException { SocketErrorCode: SocketError.NoBufferSpaceAvailable } =>
                "this machine has no memory for another connection: export fewer artifacts at once",
            IOException { HResult: TooManyFiles or TooManyFilesInSystem } => TooMany,
            IOException { HResult: NoMemory } =>
                "this machine ran out of memory: give it more, or export fewer artifacts at once",
            // A library of the runtime that is not found, or cannot be read: it was there when the program was built.
            FileNotFoundException { FileName: { } library } when IsLibrary(library) => NotLoaded(
                NameOf(library)
            ),
            FileLoadException { FileName: { } library } when IsLibrary(library) => NotLoaded(NameOf(library)),
            DllNotFoundException => NotLoaded("of native code"),
            // .NET looks for certificates below it, and has no exception of its own for this.
            _ when exception.Message.Contains("home directory", StringComparison.OrdinalIgnoreCase) =>
                "this process has no home directory, which TLS needs: HOME is not set, and the list of users has no entry for this user. Set HOME to a folder that the user may read",
            _ => null,
        };
}
