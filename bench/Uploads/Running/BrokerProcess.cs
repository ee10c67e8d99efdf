using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CellOS.Export.S3.Bench.Peers;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>The reference broker on a Unix socket, in a process of its own, with a made-up key.</summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const string Token = "token-of-the-benchmark";

    private readonly Child _child;

    private BrokerProcess(Child child, BrokerAddress address)
    {
        _child = child;
        Address = address;
        // Its log is part of its cost; somebody has to read it.
        _ = child.Output.BaseStream.CopyToAsync(Stream.Null);
    }

    internal BrokerAddress Address { get; }

    /// <param name="workspace">The folder of the socket, and of the files with tokens.</param>
    /// <param name="endpoint">The store that URLs are for.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="FailedException">The broker did not start.</exception>
    internal static async Task<BrokerProcess> StartAsync(
        Workspace workspace,
        string endpoint,
        CancellationToken stopping
    )
    {
        var entry = new
        {
            name = "bench",
            sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Token))),
            cells = new[] { PresignedUrls.CellId },
            prefixes = new[] { "" },
        };
        var url = $"unix:{Path.Join(workspace.Folder, "broker.sock")}";
        var child = Child.StartAssembly(
            Repository.Broker,
            workspace.Folder,
            new Dictionary<string, string>
            {
                ["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE",
                ["AWS_SECRET_ACCESS_KEY"] = "not-a-secret",
            },
            [
                $"--urls=http://{url}",
                $"--Broker:Endpoint={endpoint}",
                "--Broker:PathStyle=true",
                $"--Broker:Region={PresignedUrls.Region}",
                $"--Broker:Buckets:0={PresignedUrls.Bucket}",
                $"--Broker:TokensFile={workspace.AddText("tokens.json", JsonSerializer.Serialize(new[] { entry }))}",
                "--Broker:RequestsPerSecond=1000000",
            ]
        );
        while (await child.Output.ReadLineAsync(stopping) is { } line)
        {
            if (line.Contains("Now listening on", StringComparison.Ordinal))
                return new BrokerProcess(
                    child,
                    new BrokerAddress(url, workspace.AddText("token", Token), int.Parse(child.Id, null))
                );
        }
        await using (child)
        {
            await child.EndAsync("The broker", stopping);
            throw new FailedException("The broker ended before it began.");
        }
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
