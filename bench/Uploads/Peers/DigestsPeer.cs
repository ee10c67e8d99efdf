namespace CellOS.Export.S3.Bench.Peers;

/// <summary>The same client as <see cref="PlainPeer"/>, which takes the digests on the way, on one thread.</summary>
internal sealed class DigestsPeer : IPeer
{
    private readonly HttpClient _client = PlainPeer.CreateClient();
    private readonly PresignedUrls _urls;
    private readonly bool _sha256;
    private readonly bool _md5;

    internal DigestsPeer(PresignedUrls urls, DigestChoice digests)
    {
        _sha256 = digests is DigestChoice.Both or DigestChoice.Sha256;
        _md5 = digests is DigestChoice.Both or DigestChoice.Md5;
        if (!_sha256 && !_md5)
            throw new UsageException("The peer 'digests' takes --digests both, sha256 or md5.");
        _urls = urls;
    }

    public async Task PushAsync(string name, string path)
    {
        await using var file = PlainPeer.OpenRead(path);
        using var content = new HashingContent(file, _sha256, _md5);
        await PlainPeer.SendAsync(_client, _urls.For(name), content);
        if (content.Sha256 is not null != _sha256 || content.Md5 is not null != _md5)
            throw new InvalidOperationException("The digests were not taken.");
    }

    public void Dispose() => _client.Dispose();
}
