using System.CommandLine;
using System.CommandLine.Parsing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>The PATHs of a command.</summary>
internal static class PathArgument
{
    internal static Argument<string[]> Create(string description) =>
        new("PATH") { Arity = ArgumentArity.ZeroOrMore, Description = description };

    /// <summary>Returns the PATHs, and adds a sentence for each that cannot be one.</summary>
    internal static string[] Read(ParseResult parsed, Argument<string[]> argument, List<string> sentences)
    {
        var paths = parsed.GetValue(argument) ?? [];
        sentences.AddRange(UnknownOptions(parsed, argument));
        if (paths.Any(string.IsNullOrWhiteSpace))
            sentences.Add("A PATH is empty.");
        return paths;
    }

    /// <summary>
    /// A sentence for each that the parser took for a path, since it knows no such option, and that no <c>--</c> marked as one.
    /// All that follows the mark are paths, so they are the last ones.
    /// </summary>
    internal static IEnumerable<string> UnknownOptions(ParseResult parsed, Argument<string[]> argument)
    {
        var paths = parsed.GetValue(argument) ?? [];
        var afterMark = parsed
            .Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash)
            .Count(token => token.Type == TokenType.Argument);
        return paths[..^afterMark]
            .Where(path => path.StartsWith('-'))
            .Select(path => UnknownOption(parsed, path));
    }

    /// <summary>A sentence about an option that the command does not have.</summary>
    internal static string UnknownOption(ParseResult parsed, string word) =>
        Unknown(
            "option",
            word,
            parsed
                .CommandResult.Command.Options.Concat(parsed.RootCommandResult.Command.Options)
                .Select(option => option.Name)
        );

    /// <summary>A sentence about a word that is not known, and the one that it was perhaps meant to be.</summary>
    internal static string Unknown(string what, string word, IEnumerable<string> known)
    {
        var name = word.Split('=', ':')[0];
        var meant = EditDistance.Nearest(known, name.ToLowerInvariant());
        return $"There is no {what} '{Shown.Argument(word)}'.{(meant is null ? "" : $" Did you mean '{meant.Value}'?")}";
    }
}
