namespace CellOS.Export.S3.Bench.Peers;

/// <summary>
/// HttpClient as a careful developer uses it, without a digest: one client for all, a FileStream without a buffer of its
/// own, and StreamContent with a large one.
/// </summary>
internal sealed class PlainPeer(PresignedUrls urls) : IPeer
{
    /// <summary>
    /// Of 64 KiB to 1 MiB, with and without asynchronous files: without a digest nothing tells them apart, with digests
    /// this one takes a tenth less CPU than half of it, and more memory gains little.
    /// </summary>
    internal const int BufferSize = 256 * 1024;

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
