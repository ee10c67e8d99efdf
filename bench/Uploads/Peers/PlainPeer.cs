namespace CellOS.Export.S3.Bench.Peers;

/// <summary>
/// HttpClient as a careful developer uses it, without a digest: one client for all, a FileStream without a buffer of its
/// own, and StreamContent with a large one.
/// </summary>
internal sealed class PlainPeer(PresignedUrls urls) : IPeer
{
    /// <summary>The fastest of those that were tried (80 KiB, 128 KiB, 256 KiB); larger ones gain nothing.</summary>
    internal const int BufferSize = 128 * 1024;

    private readonly HttpClient _client = CreateClient();

    public async Task PushAsync(string name, string path)
    {
        await using var file = OpenRead(path);
        using var content = new StreamContent(file, BufferSize);
        await SendAsync(_client, urls.For(name), content);
    }

    public void Dispose() => _client.Dispose();

    internal static HttpClient CreateClient() =>
        new(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            }
        )
        {
            Timeout = TimeSpan.FromMinutes(10),
        };

    internal static FileStream OpenRead(string path) =>
        new(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            bufferSize: 0,
            FileOptions.Asynchronous | FileOptions.SequentialScan
        );

    internal static async Task SendAsync(HttpClient client, string url, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = content };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
    }
}
