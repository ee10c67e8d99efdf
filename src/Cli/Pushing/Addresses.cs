using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>The addresses of artifacts, and the objects that several of them would be written to.</summary>
internal static class Addresses
{
    /// <summary>
    /// Checks the addresses, and returns the artifacts with them. Each enumeration makes the addresses again: those of
    /// 100,000 artifacts would take 15 MiB.
    /// </summary>
    /// <exception cref="RefusedException">One or more keys would be too long.</exception>
    internal static IEnumerable<(PlannedArtifact Artifact, string Destination)> Of(
        PushBundle bundle,
        ExportSinks sinks
    )
    {
        var problems = new List<string>();
        foreach (var artifact in bundle.Artifacts)
        {
            try
            {
                _ = sinks.Of(artifact.Target).DestinationHint(artifact.Name);
            }
            catch (ArgumentException exception)
            {
                problems.AddRange(RefusedException.Of(exception).Sentences);
            }
        }

        var addressed = bundle.Artifacts.Select(artifact =>
            (artifact, sinks.Of(artifact.Target).DestinationHint(artifact.Name))
        );
        if (problems.Count == 0 && sinks.Places > 1)
            problems.AddRange(SameObjects([.. addressed, .. OfOtherShards(bundle, sinks)], sinks));
        return problems.Count == 0 ? addressed : throw new RefusedException(problems);
    }

    /// <summary>The artifacts of other shards; those without an address are reported by their shards.</summary>
    private static IEnumerable<(PlannedArtifact, string)> OfOtherShards(PushBundle bundle, ExportSinks sinks)
    {
        foreach (var artifact in bundle.OtherShards)
        {
            string destination;
            try
            {
                destination = sinks.Of(artifact.Target).DestinationHint(artifact.Name);
            }
            catch (ArgumentException)
            {
                continue;
            }

            yield return (artifact, destination);
        }
    }

    /// <summary>
    /// A sentence for each object that artifacts of several targets would be written to. A sink itself rejects two
    /// artifacts for one object. Of each object, only a digest is kept: a bundle may have 100,000 URLs.
    /// </summary>
    private static IEnumerable<string> SameObjects(
        List<(PlannedArtifact Artifact, string Destination)> addressed,
        ExportSinks sinks
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

        RequestUrl? UrlOf(PlannedArtifact artifact) => sinks.Of(artifact.Target).KnownUrl(artifact.Name);

        string Names(List<int> group) =>
            string.Join(
                " and ",
                group.Select(i =>
                    $"'{Core.Shown.Fitted(200, addressed[i].Artifact.Name)}' of the target '{addressed[i].Artifact.Target}'"
                )
            );
    }

    private static string FullPath(PlannedArtifact artifact) => Path.GetFullPath(artifact.Source.Full);

    /// <summary>Numbers that belong to the same text. Of each text, only the digest is kept.</summary>
    private sealed class Groups
    {
        private readonly Dictionary<TextDigest, int> _first = [];
        private readonly Dictionary<int, List<int>> _shared = [];

        /// <summary>The groups of two and more, in the order of their first numbers.</summary>
        internal IEnumerable<List<int>> Shared =>
            _shared.OrderBy(group => group.Key).Select(group => group.Value);

        internal void Add(string text, int number)
        {
            var key = TextDigest.Of(text);
            if (_first.TryAdd(key, number))
                return;

            var first = _first[key];
            if (!_shared.TryGetValue(first, out var group))
                _shared.Add(first, group = [first]);
            group.Add(number);
        }
    }
}
