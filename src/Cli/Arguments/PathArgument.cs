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
        sentences.AddRange(
            UnknownOptions(parsed, paths).Select(path => $"There is no option '{Shown.Argument(path)}'.")
        );
        if (paths.Any(string.IsNullOrWhiteSpace))
            sentences.Add("A PATH is empty.");
        return paths;
    }

    /// <summary>
    /// What the parser took for a path, since it knows no such option, and what no <c>--</c> marked as one.
    /// All that follows the mark are paths, so they are the last ones.
    /// </summary>
    private static IEnumerable<string> UnknownOptions(ParseResult parsed, string[] paths)
    {
        var afterMark = parsed
            .Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash)
            .Count(token => token.Type == TokenType.Argument);
        return paths[..^afterMark].Where(path => path.StartsWith('-'));
    }
}
