using System.Text.Json;
using CellOS.Export.S3.Bench.Server;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>The server, in a process of its own, which tells what reached it.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Child _child;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });

    private ServerProcess(Child child, string url)
    {
        _child = child;
        Url = url;
    }

    /// <summary><c>http://127.0.0.1:port</c></summary>
    internal string Url { get; }

    /// <param name="name">Which of them; one of <see cref="ServerName"/>.</param>
    /// <param name="stopping">Ends the wait for it.</param>
    internal static async Task<ServerProcess> StartAsync(string name, CancellationToken stopping)
    {
        var child = name == ServerName.Bare ? Child.StartSelf("serve") : Child.StartSelf("serve", name);
        if (await child.Output.ReadLineAsync(stopping) is { } url)
            return new ServerProcess(child, url);
        await using (child)
        {
            await child.EndAsync("The server", stopping);
            throw new FailedException("The server ended before it began.");
        }
    }

    /// <summary>Runs what is to deliver, and holds against the server what it claims.</summary>
    /// <param name="what">For the message.</param>
    /// <param name="claim">How many PUTs it says it made, and of how many bytes in sum.</param>
    /// <param name="work">Gives what came of it.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <exception cref="FailedException">The server got more or less.</exception>
    internal async Task<T> ExpectAsync<T>(
        string what,
        Func<T, (long Requests, long Bytes)> claim,
        Func<Task<T>> work,
        CancellationToken stopping
    )
    {
        var before = await LookAsync(stopping);
        var result = await work();
        var after = await LookAsync(stopping);
        var got = (after.Requests - before.Requests, after.Bytes - before.Bytes);
        var claimed = claim(result);
        return got == claimed
            ? result
            : throw new FailedException(
                $"{what} claims {claimed.Requests} files and {claimed.Bytes} bytes; the server got {got.Item1} and {got.Item2}."
            );
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _child.DisposeAsync();
    }

    private async Task<Delivered> LookAsync(CancellationToken stopping)
    {
        try
        {
            var json = await _client.GetStringAsync($"{Url}/stats", stopping);
            return JsonSerializer.Deserialize<Delivered>(json, BenchJson.Line)!;
        }
        catch (HttpRequestException exception)
        {
            throw new FailedException($"The server does not answer any more: {exception.Message}");
        }
    }
}
