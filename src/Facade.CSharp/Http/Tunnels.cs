using System.Collections.Concurrent;

namespace CellOS.Export.S3.Http;

/// <summary>The servers to which a proxy has granted the last tunnel, and with which no TLS handshake has succeeded in it yet.</summary>
internal static class Tunnels
{
    private static readonly ConcurrentDictionary<string, bool> Granted = new(
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>Notes that a tunnel is asked for, or that TLS has begun in it.</summary>
    /// <param name="server">The server's host and port, as CONNECT names them.</param>
    internal static void Forget(string server) => Granted.TryRemove(server, out _);

    /// <summary>Notes that a proxy has granted the tunnel.</summary>
    internal static void Grant(string server) => Granted[server] = true;

    /// <summary>True if a tunnel to the server was granted and no TLS handshake has succeeded in it.</summary>
    internal static bool IsGranted(Uri url) => Granted.ContainsKey(Name(url));

    /// <summary>Host and port, as CONNECT names them.</summary>
    internal static string Name(Uri url) => $"{url.IdnHost}:{url.Port}";
}
