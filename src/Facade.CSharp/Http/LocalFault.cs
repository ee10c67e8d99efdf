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

    private static string? Of(Exception exception) =>
        exception switch
        {
            OutOfMemoryException =>
                "this process ran out of memory: give it more, or export fewer artifacts at once",
            SocketException { SocketErrorCode: SocketError.TooManyOpenSockets } => TooMany,
            SocketException { SocketErrorCode: SocketError.NoBufferSpaceAvailable } =>
                "this host has no memory for another connection: export fewer artifacts at once",
            IOException { HResult: TooManyFiles or TooManyFilesInSystem } => TooMany,
            IOException { HResult: NoMemory } =>
                "this host ran out of memory: give it more, or export fewer artifacts at once",
            // .NET looks for certificates below it, and has no exception of its own for this.
            _ when exception.Message.Contains("home directory", StringComparison.OrdinalIgnoreCase) =>
                "this process has no home directory, which TLS needs: HOME is not set, and the list of users has no entry for this user. Set HOME to a folder that the user may read",
            _ => null,
        };
}
