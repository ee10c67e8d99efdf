using System.Net;
using System.Net.Sockets;

namespace CellOS.Export.S3.Bench.Server;

/// <summary>
/// <c>serve</c>: drains uploads on a free port of loopback. It prints its URL, and ends with its standard input.
/// </summary>
/// <remarks>
/// In place of a real server, which would be another machine: whatever this one costs is taken from those whom it
/// serves, and most from the fastest of them. Kestrel took 0.4 to 1.9 s of a core for each GiB, more than sending it
/// does, so on two cores a peer that uses both could show nothing of that. Hence a thread for each connection, calls
/// that block, and a body that the system throws away without a copy (MSG_TRUNC, tcp(7)): 0.2 s for each GiB.
/// </remarks>
internal static class Serve
{
    internal static async Task<int> RunAsync(bool reportsChecksum)
    {
        var tally = new Tally();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(backlog: 512);
        StartThread(() => Accept(listener, tally, reportsChecksum));
        Console.WriteLine($"http://{listener.LocalEndpoint}");

        while (await Console.In.ReadLineAsync() is not null) { }
        return 0;
    }

    private static void Accept(TcpListener listener, Tally tally, bool reportsChecksum)
    {
        while (true)
        {
            var connection = new Connection(listener.AcceptSocket(), tally, reportsChecksum);
            StartThread(connection.Serve);
        }
    }

    /// <summary>One that ends with the process, whatever it is doing.</summary>
    private static void StartThread(ThreadStart work) =>
        new Thread(work, maxStackSize: 256 * 1024) { IsBackground = true }.Start();
}
