using System.Security.Claims;

namespace Broker;

/// <summary>A caller, and what its token allows: cells and key prefixes, with <c>*</c> at the end for any text.</summary>
internal sealed record Caller(string Name, IReadOnlyList<string> Cells, IReadOnlyList<string> Prefixes)
{
    internal const string NameClaim = "sub";
    internal const string CellsClaim = "cells";
    internal const string PrefixesClaim = "prefixes";

    /// <summary>Reads the claims, which are the same in a JWT and in the file of static tokens.</summary>
    internal static Caller Of(ClaimsPrincipal user) =>
        new(
            user.FindFirstValue(NameClaim) ?? "unknown",
            ValuesOf(user, CellsClaim),
            ValuesOf(user, PrefixesClaim)
        );

    /// <summary>Adds the rights of the first subject that matches, if the token of the user states none itself.</summary>
    internal static void AddRights(ClaimsPrincipal user, IEnumerable<SubjectRights> subjects)
    {
        if (user.HasClaim(claim => claim.Type is CellsClaim or PrefixesClaim))
            return;
        var name = user.FindFirstValue(NameClaim) ?? "";
        var rights = subjects.FirstOrDefault(it => Pattern.Matches(it.Name, name, StringComparison.Ordinal));
        if (rights is not null)
            user.AddIdentity(
                new ClaimsIdentity([
                    .. rights.Cells.Select(cell => new Claim(CellsClaim, cell)),
                    .. rights.Prefixes.Select(prefix => new Claim(PrefixesClaim, prefix)),
                ])
            );
    }

    private static string[] ValuesOf(ClaimsPrincipal user, string claim) =>
        [.. user.FindAll(claim).Select(found => found.Value)];
}
