using System.Text.Json;
using CellOS.Export.S3.Bench.Measuring;

namespace CellOS.Export.S3.Bench.Peers;

/// <summary>
/// The product with a manifest. A manifest has the names before anything is sent, so each file is pushed under the same
/// name again and again.
/// </summary>
internal sealed class ManifestPeer : IPeer
{
    private readonly string _manifest = Path.GetTempFileName();
    private readonly SinkPeer _sink;

    internal ManifestPeer(PresignedUrls urls, Sources sources, DigestChoice digests)
    {
        var names = sources.Paths.SelectMany(path =>
            new[] { PresignedUrls.Measured, PresignedUrls.WarmUp }.Select(prefix => NameOf(prefix, path))
        );
        File.WriteAllText(_manifest, JsonSerializer.Serialize(names.ToDictionary(name => name, urls.For)));
        _sink = new SinkPeer(new SinkUrls { ManifestFile = _manifest }, digests);
    }

    public Task PushAsync(string name, string path) => _sink.PushAsync(NameOf(name, path), path);

    public void Dispose()
    {
        _sink.Dispose();
        File.Delete(_manifest);
    }

    /// <summary>Returns the name of a file, with the prefix that a name of a push begins with.</summary>
    private static string NameOf(string name, string path)
    {
        var prefix = name.StartsWith(PresignedUrls.Measured, StringComparison.Ordinal)
            ? PresignedUrls.Measured
            : PresignedUrls.WarmUp;
        return prefix + Path.GetFileName(path);
    }
}
