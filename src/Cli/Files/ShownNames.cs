using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Files;

/// <summary>Names of artifacts and paths of files, in a message.</summary>
internal static class ShownNames
{
    /// <summary>The number of names at most.</summary>
    private const int Most = 5;

    /// <summary>Returns the first of the paths, in quotation marks, and how many more there are.</summary>
    internal static string First(IReadOnlyCollection<string> paths) =>
        $"'{Shown.Short(200, paths.First())}'{(paths.Count == 1 ? "" : $" and {paths.Count - 1} more")}";

    /// <summary>Returns a number of artifacts in words.</summary>
    internal static string Artifacts(int count) => count == 1 ? "1 artifact" : $"{count} artifacts";

    /// <summary>Returns the first of the names, in quotation marks, and how many more there are.</summary>
    internal static string List(IReadOnlyCollection<string> names)
    {
        var more = names.Count > Most ? $" and {names.Count - Most} more" : "";
        return string.Join(", ", names.Take(Most).Select(name => $"'{Shown.Short(100, name)}'")) + more;
    }
}
