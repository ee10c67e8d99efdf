using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>
/// Options as this tool has them. All are options of text, flags too: an option of another type is compiled when it
/// is first met, which every start of the tool would wait for.
/// </summary>
internal static class TextOption
{
    internal static Option<string> Value(string name, string valueName, string description)
    {
        var option = new Option<string>(name) { HelpName = valueName, Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
                result.AddError($"{name} needs a value.");
        });
        return option;
    }

    /// <summary>An option that may be given several times, with a value each time.</summary>
    internal static Option<string[]> Values(string name, string valueName, string description)
    {
        var option = new Option<string[]>(name) { HelpName = valueName, Description = description };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
                result.AddError($"{name} needs a value.");
        });
        return option;
    }

    internal static Option<string> Required(this Option<string> option)
    {
        option.Required = true;
        return option;
    }

    internal static Option<string> Flag(string name, string description) =>
        new(name) { Arity = ArgumentArity.Zero, Description = description };

    internal static Option<string> Whole(string name, string description, int least, int most)
    {
        var option = Value(name, "N", description);
        option.Validators.Add(result =>
        {
            if (
                result.Tokens is [var token]
                && !(ToWhole(token.Value) is { } number && number >= least && number <= most)
            )
                result.AddError(
                    $"{name} takes a whole number from {least} to {most}, not '{Shown.Argument(token.Value)}'."
                );
        });
        return option;
    }

    internal static Option<string> Choice(
        string name,
        string valueName,
        string description,
        IReadOnlyList<string> choices
    )
    {
        var option = Value(name, valueName, description);
        option.CompletionSources.Add(_ => choices.Select(choice => new CompletionItem(choice)));
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !choices.Contains(token.Value))
                result.AddError(
                    $"{name} takes {string.Join(", ", choices.SkipLast(1))} or {choices[^1]}, not '{Shown.Argument(token.Value)}'."
                );
        });
        return option;
    }

    internal static bool IsSet(this ParseResult parsed, Option option) =>
        parsed.GetResult(option) is not null;

    internal static int? ToWhole(string? value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
