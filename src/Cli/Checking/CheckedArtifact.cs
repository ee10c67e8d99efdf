using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Checking;

/// <summary>An artifact that a push would export, for who presigns its URL.</summary>
/// <param name="Target">The name of the target.</param>
/// <param name="Name">The artifact's name.</param>
/// <param name="Bucket">The bucket that it goes to; null for a target without one.</param>
/// <param name="Key">The object key, not percent-encoded; null if there can be none.</param>
/// <param name="Bytes">The size of the file.</param>
/// <param name="Problem">Why it cannot have a key; null if it can.</param>
internal sealed record CheckedArtifact(
    string Target,
    string Name,
    string? Bucket,
    string? Key,
    long Bytes,
    string? Problem
)
{
    /// <summary>Where it goes, without secrets; null for an artifact with a key, or if that is not known.</summary>
    internal string? Destination { get; private init; }

    /// <summary>The artifacts of a bundle, with the keys or destinations that they get in a cell.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="configuration">What spec and environment result in, for the cell.</param>
    internal static IReadOnlyList<CheckedArtifact> Of(PushBundle bundle, S3ExportConfiguration configuration)
    {
        var cell = configuration.Cell!;
        var targets = bundle.Spec.Core.Targets.ToDictionary(
            target => TargetNameModule.Value(target.Name),
            StringComparer.Ordinal
        );
        using var sinks =
            configuration.IsUsable && bundle.Artifacts.Any(artifact => !targets.ContainsKey(artifact.Target))
                ? ExportSinks.Create(configuration, null, null, spools: false)
                : null;
        return
        [
            .. bundle.Artifacts.Select(artifact =>
                targets.TryGetValue(artifact.Target, out var target)
                    ? Of(artifact, target, cell)
                    : Of(artifact, sinks)
            ),
        ];
    }

    private static CheckedArtifact Of(PlannedArtifact artifact, ExportSinks? sinks)
    {
        var found = new CheckedArtifact(artifact.Target, artifact.Name, null, null, artifact.Length, null);
        try
        {
            return found with { Destination = sinks?.Of(artifact.Target).DestinationHint(artifact.Name) };
        }
        catch (ArgumentException exception)
        {
            return found with { Problem = RefusedException.Of(exception).Message };
        }
    }

    private static CheckedArtifact Of(PlannedArtifact artifact, S3Target target, CellId cell)
    {
        var bucket = BucketModule.Value(target.Bucket);
        var name = ArtifactNameModule.Create(artifact.Name);
        if (name.IsError)
            return Unusable(name.ErrorValue);

        var key = ObjectKeyModule.Create(target.KeyPrefix, cell, name.ResultValue);
        return key.IsError
            ? Unusable(key.ErrorValue)
            : new CheckedArtifact(
                artifact.Target,
                artifact.Name,
                bucket,
                ObjectKeyModule.Value(key.ResultValue),
                artifact.Length,
                Problem: null
            );

        CheckedArtifact Unusable(Refusal refusal) =>
            new(artifact.Target, artifact.Name, bucket, Key: null, artifact.Length, refusal.Message);
    }
}
