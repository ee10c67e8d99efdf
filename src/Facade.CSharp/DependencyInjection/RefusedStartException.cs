using Microsoft.Extensions.Options;

namespace CellOS.Export.S3;

/// <summary>
/// A host cannot start: all that is wrong with spec, environment and client. Its text has no stack trace: the cause is not in
/// the code, and a host writes the text twice.
/// </summary>
internal sealed class RefusedStartException(IEnumerable<string> failures)
    : OptionsValidationException(Options.DefaultName, typeof(S3ExportStartup.Check), failures)
{
    /// <inheritdoc />
    public override string ToString() => $"{typeof(OptionsValidationException).FullName}: {Message}";
}
