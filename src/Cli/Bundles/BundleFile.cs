namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>A file that is to be exported.</summary>
/// <param name="Name">The artifact's name.</param>
/// <param name="Path">Where the file is.</param>
/// <param name="Length">How many bytes it has, when it was found.</param>
internal sealed record BundleFile(string Name, string Path, long Length);
