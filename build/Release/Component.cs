namespace Release;

/// <summary>A part of the release, or of something in it, as CycloneDX describes it.</summary>
/// <param name="Reference">The name by which other parts refer to it (<c>bom-ref</c>).</param>
/// <param name="Type">Such as <c>library</c>, <c>application</c> or <c>container</c>.</param>
/// <param name="Name">Its name where it comes from.</param>
/// <param name="Version">Its version.</param>
/// <param name="Licence">An SPDX expression, or a name; null if its origin states none.</param>
internal sealed record Component(string Reference, string Type, string Name, string Version, Licence? Licence)
{
    /// <summary>The address of the package (<c>pkg:nuget/…</c>); null for what is not in a registry.</summary>
    internal string? PackageUrl { get; init; }

    /// <summary>The name of the algorithm, and the digest in lower-case hexadecimal; null if unknown.</summary>
    internal (string Algorithm, string Value)? Digest { get; init; }

    /// <summary>The copyright line of the package.</summary>
    internal string? Copyright { get; init; }

    /// <summary>The references of what it consists of or needs.</summary>
    internal IReadOnlyList<string> DependsOn { get; init; } = [];
}

/// <summary>A licence: an expression of SPDX, or a name in the words of the package.</summary>
internal sealed record Licence(string Text, bool IsExpression);
