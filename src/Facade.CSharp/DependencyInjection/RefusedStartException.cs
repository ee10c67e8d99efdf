using Microsoft.Extensions.Options;

namespace CellOS.Export.S3;

/// <summary>
/// A host cannot start: all that is wrong with its sinks. Its text has no stack trace: the cause is not in
/// the code, and a host writes the text twice.
/// </summary>
internal sealed class RefusedStartException(string name, Type options, IEnumerable<string> failures)
    : OptionsValidationException(name, options, failures)
{
    /// <inheritdoc />
    public override string ToString() => $"{typeof(OptionsValidationException).FullName}: {Message}";
}
