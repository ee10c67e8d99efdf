namespace Broker;

/// <summary>Names in settings and tokens: as they are, or with <c>*</c> at the end for any text.</summary>
internal static class Pattern
{
    internal static bool Matches(string pattern, string name, StringComparison comparison) =>
        pattern.EndsWith('*')
            ? name.AsSpan().StartsWith(pattern.AsSpan(..^1), comparison)
            : name.Equals(pattern, comparison);

    internal static string List(IReadOnlyCollection<string> patterns) =>
        patterns.Count == 0
            ? "none"
            : string.Join(", ", patterns.Select(pattern => pattern.Length == 0 ? "(empty)" : pattern));
}
