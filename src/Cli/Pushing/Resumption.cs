using System.Collections.Concurrent;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>Which artifacts a resumed push leaves out. A file is read only if a receipt fits it but for its content.</summary>
internal static class Resumption
{
    /// <param name="receipted">What the receipts tell.</param>
    /// <param name="cellId">The cell whose evidence this is.</param>
    /// <param name="artifacts">What is to be exported, with the addresses.</param>
    /// <param name="urlOf">Returns the URL that an artifact would be sent to now; null where that is not known.</param>
    /// <param name="places">Takes note of the places of what is left out where its URL is not known.</param>
    /// <param name="note">
    /// Takes a sentence for artifacts that were sent to another host or account, and one for those that have changed.
    /// </param>
    /// <param name="concurrency">How many files are read at once.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal static async Task<IReadOnlySet<PlannedArtifact>> FindDoneAsync(
        Receipted receipted,
        string cellId,
        IEnumerable<(PlannedArtifact Artifact, string Destination)> artifacts,
        Func<PlannedArtifact, RequestUrl?> urlOf,
        SkippedPlaces places,
        Action<string> note,
        int concurrency,
        CancellationToken cancellationToken
    )
    {
        var done = new ConcurrentBag<PlannedArtifact>();
        var changed = new ConcurrentBag<string>();
        var otherPlaces = new ConcurrentBag<(string Label, string Sentence)>();
        await Parallel.ForEachAsync(
            artifacts.Where(item =>
                !NoteIfChanged(item.Artifact, item.Destination, sha256: null)
                && Resume.MayBeDone(
                    receipted,
                    item.Artifact.Target,
                    cellId,
                    item.Artifact.Name,
                    item.Destination,
                    item.Artifact.Length
                )
            ),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = concurrency,
                CancellationToken = cancellationToken,
            },
            async (item, ending) =>
            {
                var (artifact, destination) = item;
                var url = urlOf(artifact);
                if (
                    await DigestAsync(artifact.Source, ending) is not { } digest
                    || NoteIfChanged(artifact, destination, digest)
                    || !Resume.IsDone(
                        receipted,
                        artifact.Target,
                        cellId,
                        artifact.Name,
                        destination,
                        artifact.Length,
                        digest,
                        CoreMapping.ToOption(url)
                    )
                )
                    return;

                artifact.Source.Watch?.IsReceipted = true;
                done.Add(artifact);
                if (url is null && destination.StartsWith("s3://", StringComparison.Ordinal))
                    places.Skipped(
                        artifact.Target,
                        Resume.ReceiptedPlace(receipted, artifact.Target, cellId, artifact.Name, destination)
                    );
                else if (
                    url is not null
                    && Resume.OtherPlace(
                        receipted,
                        artifact.Target,
                        cellId,
                        artifact.Name,
                        destination,
                        RequestUrlModule.AddressOf(destination, url)
                    )
                        is { Value: var sentence }
                )
                    otherPlaces.Add((artifact.Name, sentence));
            }
        );
        // One note for each pair of places: a bundle may have thousands of artifacts.
        foreach (var group in otherPlaces.GroupBy(other => other.Sentence))
        {
            var first = group.Select(other => other.Label).Order(StringComparer.Ordinal).First();
            var more = group.Count() == 1 ? "" : $" and {group.Count() - 1} more";
            note($"{Shown.Fitted(200, first)}{more}: {group.Key}.");
        }

        if (!changed.IsEmpty)
            note(
                $"{ShownNames.First([.. changed.Order(StringComparer.Ordinal)])} changed since the receipt: the new content is sent, and the receipt does not count any more."
            );
        return done.ToHashSet();

        bool NoteIfChanged(PlannedArtifact artifact, string destination, string? sha256)
        {
            var isChanged = Resume.IsChanged(
                receipted,
                artifact.Target,
                cellId,
                artifact.Name,
                destination,
                artifact.Length,
                CoreMapping.ToOption(sha256)
            );
            if (isChanged)
                changed.Add(artifact.Name);
            return isChanged;
        }
    }

    /// <summary>The SHA-256; null for what cannot be read, which the push itself will tell of.</summary>
    private static async Task<string?> DigestAsync(SourcePath path, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(
                    () =>
                    {
                        using var source = SourceFile.Open(path);
                        return source
                            .TakeDigests([DigestAlgorithm.Sha256], static () => { }, cancellationToken)[0]
                            .Hex;
                    },
                    cancellationToken
                )
                .WaitAsync(cancellationToken);
        }
        catch (SourceException)
        {
            return null;
        }
    }
}
