using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>A file that is to be exported.</summary>
/// <param name="Name">The artifact's name.</param>
/// <param name="Source">The place of the file, with the root that it lies below.</param>
/// <param name="Length">How many bytes it has, when it was found.</param>
internal sealed record BundleFile(string Name, SourcePath Source, long Length)
{
    /// <summary>The whole path.</summary>
    internal string Path => Source.Full;
}
