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
    /// <summary>The artifacts of a bundle, with the keys that they get in a cell.</summary>
    internal static IReadOnlyList<CheckedArtifact> Of(PushBundle bundle, CellId cell)
    {
        var targets = bundle.Spec.Core.Targets.ToDictionary(
            target => TargetNameModule.Value(target.Name),
            StringComparer.Ordinal
        );
        return
        [
            .. bundle.Artifacts.Select(artifact =>
                targets.TryGetValue(artifact.Target, out var target)
                    ? Of(artifact, target, cell)
                    : new CheckedArtifact(
                        artifact.Target,
                        artifact.Name,
                        Bucket: null,
                        Key: null,
                        artifact.Length,
                        Problem: null
                    )
            ),
        ];
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
