using System.Collections.Concurrent;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>The proxies with which this process has completed a TLS handshake.</summary>
internal static class ProxyHandshakes
{
    private static readonly ConcurrentDictionary<string, bool> Succeeded = new(
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>Notes that a handshake has succeeded.</summary>
    /// <param name="host">The proxy's host, without brackets.</param>
    /// <param name="port">The proxy's port.</param>
    internal static void Note(string host, int port) => Succeeded[$"{host}:{port}"] = true;

    /// <summary>True if a handshake with the proxy has succeeded.</summary>
    internal static bool HasSucceeded(Proxy proxy) =>
        Succeeded.ContainsKey(proxy.Authority.Replace("[", "").Replace("]", ""));
}
