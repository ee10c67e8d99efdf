using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>What options describe, or all that is wrong with them.</summary>
/// <param name="Value">What they describe; null if there are problems.</param>
/// <param name="Problems">What is wrong with them, a sentence or more each; without secrets.</param>
internal sealed record Checked<T>(T? Value, IReadOnlyList<string> Problems)
    where T : class
{
    /// <param name="result">What the core says.</param>
    /// <param name="others">What else was found wrong; nulls for what is right.</param>
    internal static Checked<T> Of(
        FSharpResult<T, FSharpList<Refusal>> result,
        params IEnumerable<string?> others
    )
    {
        string[] problems =
        [
            .. result.IsOk ? [] : result.ErrorValue.Select(refusal => refusal.Message),
            .. others.OfType<string>(),
        ];
        return new(problems.Length == 0 ? result.ResultValue : null, problems);
    }

    /// <summary>What the options describe.</summary>
    /// <exception cref="ArgumentException">There are problems; the message has all of them.</exception>
    internal T Accept(string parameter) =>
        Value ?? throw new ArgumentException(string.Join(" ", Problems), parameter);
}
