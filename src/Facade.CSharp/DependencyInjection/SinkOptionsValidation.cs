using Microsoft.Extensions.Options;

namespace CellOS.Export.S3;

/// <summary>Checks the options of one sink as its constructor does, so that a host refuses to start.</summary>
/// <param name="target">The name of the options, which is that of the target.</param>
/// <param name="problems">All that is wrong with options; empty if a sink can be made.</param>
internal sealed class SinkOptionsValidation<T>(string target, Func<T, IReadOnlyList<string>> problems)
    : IValidateOptions<T>
    where T : class
{
    public ValidateOptionsResult Validate(string? name, T options)
    {
        if (name != target)
            return ValidateOptionsResult.Skip;
        var found = problems(options);
        return found.Count == 0
            ? ValidateOptionsResult.Success
            : throw new RefusedStartException(
                target,
                typeof(T),
                found.Select(problem => $"target '{Core.Redaction.Plain(target)}': {problem}")
            );
    }
}
