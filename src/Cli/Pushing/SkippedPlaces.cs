using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// The places of artifacts that a resumed push does not send again, of targets whose URLs are not known before they are asked
/// for: a command or a broker may give URLs of another store now.
/// </summary>
internal sealed class SkippedPlaces
{
    private const int MostShown = 3;
    private const int LongestPlace = 300;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, (int Count, SortedSet<string> Places)> _targets = new(
        StringComparer.Ordinal
    );
    private readonly SortedDictionary<string, string> _others = new(StringComparer.Ordinal);

    /// <summary>Takes note of an artifact that is not sent again. An unknown place is empty.</summary>
    internal void Skipped(string target, string place)
    {
        lock (_gate)
        {
            var (count, places) = _targets.GetValueOrDefault(target, (0, new(StringComparer.Ordinal)));
            if (place.Length > 0)
                places.Add(place);
            _targets[target] = (count + 1, places);
        }
    }

    /// <summary>Compares the place of an artifact that was exported.</summary>
    internal void Exported(string target, ExportReceipt receipt)
    {
        lock (_gate)
        {
            if (!_targets.TryGetValue(target, out var skipped) || _others.ContainsKey(target))
                return;
            var place = Resume.PlaceOf(receipt.Destination, receipt.ObjectUrl);
            if (place.Length > 0 && skipped.Places.Count > 0 && !skipped.Places.Contains(place))
                _others[target] = place;
        }
    }

    /// <summary>A sentence for each target, before anything is sent.</summary>
    internal IEnumerable<string> Before() =>
        _targets.Select(target =>
            $"The target '{target.Key}': {target.Value.Count} artifacts are not sent again; receipts say that they are at {Names(target.Value.Places)}. The URLs of this target are not known before they are asked for, so that the places were not compared. To send all of them again, give a receipts file of its own."
        );

    /// <summary>A sentence for each target whose URLs are for another place, after the push.</summary>
    internal IEnumerable<string> After() =>
        _others.Select(other =>
            $"The target '{other.Key}': the URLs of this push are for {ShownNames.List([other.Value], MostShown, LongestPlace)}, and receipts say that the {_targets[other.Key].Count} artifacts that were not sent again are at {Names(_targets[other.Key].Places)}. To send them there too, give a receipts file of its own."
        );

    private static string Names(SortedSet<string> places) =>
        places.Count == 0
            ? "a place that they do not name"
            : ShownNames.List(places, MostShown, LongestPlace);
}
