using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>Finds artifacts of several targets that would be written to one object.</summary>
internal static class SameObjects
{
    /// <summary>
    /// A sentence for each object that artifacts of several targets would be written to. A sink itself rejects two
    /// artifacts for one object. Of each object, only a digest is kept: a bundle may have 100,000 URLs.
    /// </summary>
    internal static IEnumerable<string> Sentences(
        List<(PlannedArtifact Artifact, string Destination)> addressed,
        S3ExportSinks sinks
    )
    {
        var objects = new Groups();
        var destinations = new Groups();
        for (var i = 0; i < addressed.Count; i++)
        {
            var (artifact, destination) = addressed[i];
            destinations.Add(destination, i);
            if (UrlOf(artifact) is { } url)
                objects.Add(ObjectAddress.IdentityIn(destination.Split('/', 4)[2], url), i);
        }

        var told = new HashSet<int>();
        foreach (var group in objects.Shared)
        {
            told.UnionWith(group);
            var (first, place) = addressed[group[0]];
            var url = RequestUrlModule.AddressOf(place, UrlOf(first)!);
            yield return $"{Names(group)} have URLs of the same object, {Core.Shown.Short(500, url)}: one would overwrite the other. Give each target its own bucket, key prefix or URL.";
        }

        // One file in two stores is a copy. Two files would have receipts for one address, and the stores may be one.
        foreach (var group in destinations.Shared.Where(group => !group.TrueForAll(told.Contains)))
        {
            if (
                group.Select(i => FullPath(addressed[i].Artifact)).Distinct(StringComparer.Ordinal).Count()
                > 1
            )
                yield return $"{Names(group)} are different files for the same destination, {Core.Shown.Short(500, addressed[group[0]].Destination)}: one would overwrite the other, or two receipts would name one address. Give each target its own bucket or key prefix, or the artifacts different names.";
        }

        RequestUrl? UrlOf(PlannedArtifact artifact) => sinks[artifact.Target].KnownUrl(artifact.Name);

        string Names(List<int> group) =>
            string.Join(
                " and ",
                group.Select(i =>
                    $"'{Core.Shown.Fitted(200, addressed[i].Artifact.Name)}' of the target '{addressed[i].Artifact.Target}'"
                )
            );
    }

    private static string FullPath(PlannedArtifact artifact) => Path.GetFullPath(artifact.Source.Full);

    /// <summary>Numbers that belong to the same text. The texts are kept as SHA-256, in 32 bytes and no object.</summary>
    private sealed class Groups
    {
        private readonly Dictionary<(UInt128, UInt128), int> _first = [];
        private readonly Dictionary<int, List<int>> _shared = [];

        /// <summary>The groups of two and more, in the order of their first numbers.</summary>
        internal IEnumerable<List<int>> Shared =>
            _shared.OrderBy(group => group.Key).Select(group => group.Value);

        internal void Add(string text, int number)
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), digest);
            var key = (
                BinaryPrimitives.ReadUInt128BigEndian(digest),
                BinaryPrimitives.ReadUInt128BigEndian(digest[16..])
            );
            if (_first.TryAdd(key, number))
                return;

            var first = _first[key];
            if (!_shared.TryGetValue(first, out var group))
                _shared.Add(first, group = [first]);
            group.Add(number);
        }
    }
}
