using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Broker;

/// <summary>Opens Unix sockets that only their owner and group can connect to.</summary>
internal static class UnixSockets
{
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Binds a socket. Kestrel listens afterwards, so the permissions are set before the first connection.</summary>
    internal static Socket Bind(EndPoint endpoint)
    {
        if (endpoint is not UnixDomainSocketEndPoint || endpoint.ToString() is not { } path)
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        RemoveStale(endpoint, path);
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, OwnerAndGroup);
        return socket;
    }

    /// <summary>Removes the socket of a broker that was killed. A socket in use stays, and so does any other file.</summary>
    private static void RemoveStale(EndPoint endpoint, string path)
    {
        if (!File.Exists(path))
            return;
        // Connecting to another file is refused as well, but a socket has no bytes.
        if (new FileInfo(path).Length > 0)
            throw new IOException($"{path} is not a socket. Remove it, or choose another path.");
        if (IsInUse(endpoint))
            throw new IOException($"Another process listens on {path}. Stop it, or choose another path.");
        File.Delete(path);
    }

    private static bool IsInUse(EndPoint endpoint)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endpoint);
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
    }
}
