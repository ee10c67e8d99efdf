using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>Between the core's spec and this assembly's. It decides nothing.</summary>
internal static class SpecMapping
{
    /// <summary>A null in a list is one of which nothing is given, and is reported as that.</summary>
    internal static SpecTarget ToCore(S3ExportTarget? target) =>
        new(
            target?.Name,
            target?.Kind,
            target?.Bucket,
            target?.Region,
            target?.KeyPrefix,
            FSharpOption<int>.None
        );

    internal static SpecArtifact ToCore(S3ExportSpecArtifact? artifact) =>
        new(artifact?.Name, artifact?.Path, artifact?.Target, FSharpOption<int>.None);

    internal static S3ExportTarget ToTarget(S3Target target) =>
        new()
        {
            Name = TargetNameModule.Value(target.Name),
            Bucket = BucketModule.Value(target.Bucket),
            Region = target.Region?.Value,
            KeyPrefix = KeyPrefixModule.Value(target.KeyPrefix) is { Length: > 0 } prefix ? prefix : null,
        };

    internal static S3ExportTarget ToTarget(OtherTarget target) =>
        new() { Name = target.Name, Kind = target.Kind };

    internal static S3ExportSpecArtifact ToArtifact(RoutedArtifact artifact) =>
        new()
        {
            Name = ArtifactNameModule.Value(artifact.Name),
            Path = artifact.Path,
            Target = artifact.TargetText,
        };

    internal static S3ExportSpecArtifact ToArtifact(S3Artifact artifact) =>
        new()
        {
            Name = ArtifactNameModule.Value(artifact.Name),
            Path = artifact.Path,
            Target = TargetNameModule.Value(artifact.Target),
        };
}
