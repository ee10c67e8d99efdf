using System.Runtime.InteropServices;

namespace CellOS.Export.S3.Cli;

/// <summary>
/// OpenSSL as .NET uses it for digests and for TLS. Where it cannot be loaded, the runtime ends the process in the
/// middle of an upload; so it is looked for before anything is sent.
/// </summary>
internal static class OpenSsl
{
    /// <exception cref="RefusedException">No OpenSSL can be loaded.</exception>
    internal static void Require()
    {
        // Other systems have libraries of their own.
        if (OperatingSystem.IsLinux() && !Names().Any(name => NativeLibrary.TryLoad(name, out _)))
            throw new RefusedException(
                "OpenSSL (libssl.so.3) cannot be loaded: it computes digests and encrypts connections. Install it, on "
                    + "Debian by 'apt-get install libssl3'."
            );
    }

    /// <summary>The files that the runtime tries, in its order.</summary>
    private static IEnumerable<string> Names() =>
        Environment.GetEnvironmentVariable("CLR_OPENSSL_VERSION_OVERRIDE") is { Length: > 0 } version
            ? [$"libssl.so.{version}", "libssl.so.3", "libssl.so.1.1"]
            : ["libssl.so.3", "libssl.so.1.1"];
}
