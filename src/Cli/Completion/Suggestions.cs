using System.CommandLine;
using System.CommandLine.Completions;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary>
/// What the shells' scripts ask for: the words that may follow, a line each, with their descriptions after a tab. The
/// lines <c>:files</c> and <c>:folders</c> ask the shell for paths.
/// </summary>
internal static class Suggestions
{
    private const string Files = ":files";
    private const string Folders = ":folders";

    /// <param name="root">All commands.</param>
    /// <param name="words">The words of a command line after the tool's name; the last one is not finished, and may be empty.</param>
    internal static IEnumerable<string> For(RootCommand root, IReadOnlyList<string> words)
    {
        var word = words.Count == 0 ? "" : words[^1];
        var before = words.SkipLast(1).ToArray();
        if (before.Contains("--"))
            return [Files];

        var parsed = root.Parse(before);
        var command = parsed.CommandResult.Command;
        if (before.Length > 0 && ValueOption(command, before[^1]) is { } previous)
            return Values(previous, parsed, "", word);
        if (!word.StartsWith('-') && Several(command, before) is { } several)
            return Values(several, parsed, "", word);
        var separator = word.IndexOf('=');
        return separator > 0 && ValueOption(command, word[..separator]) is { } option
            ? Values(option, parsed, word[..(separator + 1)], word[(separator + 1)..])
            : Words(command, parsed, word);
    }

    private static Option? ValueOption(Command command, string name) =>
        command.Options.FirstOrDefault(option =>
            option.Name == name && option.Arity.MaximumNumberOfValues > 0
        );

    /// <summary>The option that takes all words after it up to the next option, and stands before these ones; null if there is none.</summary>
    private static Option? Several(Command command, string[] before)
    {
        var name = Array.FindLast(before, known => known.StartsWith('-'));
        return command.Options.FirstOrDefault(option =>
            option.Name == name && option.AllowMultipleArgumentsPerToken
        );
    }

    private static IEnumerable<string> Values(
        Option option,
        ParseResult parsed,
        string prefix,
        string start
    ) =>
        option.HelpName switch
        {
            "FILE" => [Files],
            "DIR" => [Folders],
            _ => Starting(start, option.CompletionSources, parsed).Select(line => prefix + line),
        };

    /// <summary>Commands, arguments and options. Options come where a '-' asks for them, or nothing else can follow.</summary>
    private static List<string> Words(Command command, ParseResult parsed, string word)
    {
        var others = command
            .Subcommands.Where(subcommand => !subcommand.Hidden)
            .Select(subcommand => Line(subcommand.Name, subcommand.Description))
            .Where(line => line.StartsWith(word, StringComparison.Ordinal))
            .ToList();
        foreach (var argument in command.Arguments)
        {
            others.AddRange(Starting(word, argument.CompletionSources, parsed));
            if (argument.Name == "PATH")
                others.Add(Files);
        }

        if (others.Count > 0 && !word.StartsWith('-'))
            return others;
        // Those that have been given are not offered again, unless they may be repeated.
        return
        [
            .. Options(command)
                .Where(option => option.Name.StartsWith(word, StringComparison.Ordinal))
                .Where(option => !IsGiven(option, parsed))
                .OrderBy(option => option.Name, StringComparer.Ordinal)
                .Select(option => Line(option.Name, option.Description)),
        ];
    }

    /// <summary>The options of a command, with those that the root has for all commands.</summary>
    private static IEnumerable<Option> Options(Command command) =>
        command
            .Options.Concat(
                command
                    .Parents.OfType<Command>()
                    .SelectMany(parent => parent.Options)
                    .Where(option => option.Recursive)
            )
            .Where(option => !option.Hidden);

    private static bool IsGiven(Option option, ParseResult parsed) =>
        option.Arity.MaximumNumberOfValues <= 1 && parsed.GetResult(option) is { Implicit: false };

    private static IEnumerable<string> Starting(
        string start,
        IEnumerable<Func<CompletionContext, IEnumerable<CompletionItem>>> sources,
        ParseResult parsed
    ) =>
        sources
            .SelectMany(source => source(parsed.GetCompletionContext()))
            .Where(item => item.Label.StartsWith(start, StringComparison.Ordinal))
            .Select(item => Line(item.Label, item.Detail));

    /// <summary>The word and the first sentence about it.</summary>
    private static string Line(string word, string? description) =>
        description is null ? word : $"{word}\t{description.Split(". ")[0].TrimEnd('.')}";
}
