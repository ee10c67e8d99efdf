using System.Net.Sockets;
using System.Security.Cryptography;
using CellOS.Export.S3.Http;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// Makes the report of a failure once, before the first file is opened. The runtime loads its libraries from files when they
/// are first used, and a process at its limit of open files cannot open them: it could not report that limit.
/// </summary>
internal static class FailureRehearsal
{
    /// <summary>Makes the line of a failure and discards it.</summary>
    /// <param name="format">The format of the lines.</param>
    internal static void Run(ResultFormat? format)
    {
        // Its library would stay unusable for the rest of the process.
        _ = SHA256.HashData([]);
        var cause = new SocketException((int)SocketError.TooManyOpenSockets);
        var failure = new ExportException(
            ExportFailureKind.LocalFault,
            LocalFault.Describe(new HttpRequestException(cause.Message, cause)) ?? cause.Message
        );
        _ = (format ?? default).Line(
            new ExportResult(new ExportArtifact("rehearsal", "rehearsal"), failure),
            DateTimeOffset.UnixEpoch,
            new ExportEventContext()
        );
    }
}
