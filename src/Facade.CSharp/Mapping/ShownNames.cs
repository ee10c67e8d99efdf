using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>Names of artifacts, paths and places, in a message.</summary>
internal static class ShownNames
{
    /// <summary>The number of names at most.</summary>
    internal const int Most = 5;

    private const int Longest = 100;

    /// <summary>Returns the first of the paths, in quotation marks, and how many more there are.</summary>
    internal static string First(IReadOnlyCollection<string> paths) => List(paths, 1, 200);

    /// <summary>Returns a number of artifacts in words.</summary>
    internal static string Artifacts(int count) => count == 1 ? "1 artifact" : $"{count} artifacts";

    /// <summary>Returns the first names of artifacts, in quotation marks, and how many more there are.</summary>
    /// <param name="names">The names, which appear in receipts as they are.</param>
    internal static string Names(IReadOnlyCollection<string> names) =>
        List(names, Most, name => Shown.Fitted(Longest, name));

    /// <summary>Returns the first of the names, in quotation marks, and how many more there are.</summary>
    /// <param name="names">The names; each is shown on one line, without what may be a secret.</param>
    /// <param name="most">The number of names that are shown at most.</param>
    /// <param name="length">The number of characters of a name that are shown at most.</param>
    internal static string List(IReadOnlyCollection<string> names, int most = Most, int length = Longest) =>
        List(names, most, name => Shown.Short(length, name));

    private static string List(IReadOnlyCollection<string> names, int most, Func<string, string> show)
    {
        var more = names.Count > most ? $" and {names.Count - most} more" : "";
        return string.Join(", ", names.Take(most).Select(name => $"'{show(name)}'")) + more;
    }
}
