using System.CommandLine;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>
/// Values that a script left empty. The parser would take what comes next for the value: <c>--receipts= out</c> would
/// append receipts to <c>out</c>, and <c>--cell-id --quiet</c> export for a cell of that name.
/// </summary>
internal static class OptionValues
{
    private static readonly char[] Separators = ['=', ':'];

    /// <summary>A sentence for each option without its value, and for each flag with one.</summary>
    internal static IEnumerable<string> Problems(Command command, IReadOnlyList<string> arguments)
    {
        for (var index = 0; index < arguments.Count && arguments[index] != "--"; index++)
        {
            var argument = arguments[index];
            var separator = argument.IndexOfAny(Separators);
            var name = separator < 0 ? argument : argument[..separator];
            if (command.Options.FirstOrDefault(option => option.Name == name) is not { } option)
                continue;

            var takesValue = option.Arity.MaximumNumberOfValues > 0;
            if (!takesValue && separator >= 0)
                yield return $"{name} takes no value; leave out '{argument[separator]}' and what follows it.";
            else if (takesValue && separator == argument.Length - 1)
                yield return $"{name} needs a value.";
            else if (takesValue && separator < 0 && ++index < arguments.Count && IsOption(arguments[index]))
                yield return $"{name} needs a value; '{Shown.Argument(arguments[index])}' looks like an option. Write '{name}=VALUE' if it is the value.";
        }
    }

    private static bool IsOption(string argument) => argument.StartsWith("--", StringComparison.Ordinal);
}
