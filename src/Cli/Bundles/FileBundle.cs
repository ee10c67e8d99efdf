using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Bundles;

/// <summary>
/// What the PATHs of a command line stand for: a file under its own name, a folder's files under their names relative to
/// it, with '/' between the parts. No symbolic link is followed, and nothing is opened but folders.
/// </summary>
/// <param name="Files">What is to be exported, in the ordinal order of the names.</param>
/// <param name="LeftOut">A sentence for each link, pipe, socket and device in a folder, which is left out.</param>
/// <param name="Notes">A sentence for each folder with nothing in it.</param>
/// <param name="Problems">A sentence for each thing that keeps the bundle from being exported at all.</param>
/// <param name="Changes">
/// Returns a sentence if folders were replaced, and one if folders have files that they did not have when they were listed. Takes what
/// is true for a path that is not to be counted.
/// </param>
internal sealed record FileBundle(
    IReadOnlyList<BundleFile> Files,
    IReadOnlyList<string> LeftOut,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Problems,
    Func<Func<string, bool>, IReadOnlyList<string>> Changes
)
{
    internal static FileBundle Collect(IReadOnlyList<string> paths)
    {
        var walk = new FolderWalk(TimeProvider.System);
        foreach (var path in paths)
            walk.Add(path);
        walk.End();

        var files = walk.Files.OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        // The walk is kept for the changes, and the list is not needed there.
        walk.Files.Clear();
        var duplicates = Bundle.Duplicates(files.Select(file => new BundleEntry(file.Name, file.Path)));
        return new FileBundle(
            files,
            walk.LeftOut,
            walk.Notes,
            [.. walk.Problems, .. duplicates.Select(refusal => refusal.Message)],
            walk.ChangesSince
        );
    }
}
