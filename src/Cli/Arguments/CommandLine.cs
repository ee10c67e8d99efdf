using System.CommandLine;
using System.CommandLine.Invocation;
using CellOS.Export.S3.Cli.Completion;
using CellOS.Export.S3.Cli.Files;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>What the command line asks for, as far as it can be told from the command line alone.</summary>
internal abstract record Request
{
    private Request() { }

    internal sealed record Check(CheckArguments Arguments) : Request;

    internal sealed record Push(PushArguments Arguments) : Request;

    internal sealed record Drain(DrainArguments Arguments) : Request;

    internal sealed record Verify(VerifyArguments Arguments) : Request;

    /// <summary>Nothing was asked for: the help, for standard error.</summary>
    internal sealed record Bare(string Help) : Request;

    /// <summary>Help, the version, or what else is made of the command line itself, which has been written to standard output.</summary>
    internal sealed record Shown : Request;

    /// <summary>It cannot be understood; a sentence for each reason, without secrets.</summary>
    internal sealed record Misused(IReadOnlyList<string> Sentences) : Request
    {
        /// <summary>The command that was not understood; null if none was recognized.</summary>
        internal string? Command { get; init; }
    }
}

/// <summary>
/// The commands and their options. Nothing but options begins with a '-'; what follows <c>--</c> is a path,
/// whatever it begins with.
/// </summary>
internal static class CommandLine
{
    /// <summary>The options that show the help or the version.</summary>
    private static readonly string[] Informing = ["--help", "-h", "-?", "/h", "/?", "--version"];

    /// <summary>What follows is a path, whatever it begins with.</summary>
    private const string Separator = "--";

    internal static Request Read(IReadOnlyList<string> given, TextWriter output)
    {
        var isHelp = HelpText.IsAsked(given);
        IReadOnlyList<string> arguments = isHelp ? [.. given.Skip(1), "--help"] : given;
        var check = new CheckCommand();
        var push = new PushCommand();
        var drain = new DrainCommand();
        var verify = new VerifyCommand();
        var completion = new CompletionCommand();
        var manual = new ManualCommand();
        var complete = new CompleteCommand();
        var root = new RootCommand(
            "Exports a cell's evidence to S3 through presigned URLs, checks how that is configured, and verifies later what was exported. "
                + "Targets come from a cell spec, their URLs and settings from CELLOS_… variables."
        )
        {
            check,
            push,
            drain,
            verify,
            completion,
            manual,
            complete,
        };
        root.Directives.Clear();
        if (isHelp && HelpText.Problem(given, root) is { } problem)
            return Misuse([problem]);

        // No response files: a path may begin with '@'. No bundles: there are no short options but -h.
        var parsed = root.Parse(
            arguments,
            new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false }
        );

        if (arguments.Count == 0)
        {
            var help = new StringWriter { NewLine = output.NewLine };
            HelpText.Write(root.Parse(["--help"]), help);
            return new Request.Bare(help.ToString());
        }

        if (parsed.Action is not null and not ParseErrorAction)
        {
            // A file of that name among the PATHs ('push … *') must not end the push with 0.
            if (arguments.Count > (parsed.CommandResult.Command == root ? 1 : 2))
                return Of([
                    $"'{arguments.First(Informing.Contains)}' is not the only argument. Give it alone, or after the command alone, for the help or the version. Write './NAME' or put '--' before the PATHs if it is the name of a file.",
                ]);
            HelpText.Write(parsed, output);
            return new Request.Shown();
        }

        if (
            parsed.CommandResult.Command is PushCommand or CheckCommand
            && FilesNamedLikeOptions(arguments) is { Count: > 0 } files
        )
            return Of(files);

        // First, since what the parser makes of them is of no help.
        var values = OptionValues.Problems(parsed.CommandResult.Command, arguments).ToList();
        if (values.Count == 0)
            values.AddRange(Problems(parsed, root));
        if (values.Count > 0)
            return Of(values.Select(sentence => WithoutSecrets(sentence, arguments)));
        Request request = parsed.CommandResult.Command switch
        {
            CheckCommand => check.Read(parsed),
            PushCommand => push.Read(parsed),
            DrainCommand => drain.Read(parsed),
            VerifyCommand => verify.Read(parsed),
            CompletionCommand => completion.Write(parsed, output),
            ManualCommand => ManualCommand.Write(root, output),
            _ => complete.Write(root, parsed, output),
        };
        return request is Request.Misused misused ? Of(misused.Sentences) : request;

        Request.Misused Of(IEnumerable<string> sentences) =>
            Misuse(sentences) with
            {
                Command = parsed.CommandResult.Command == root ? null : parsed.CommandResult.Command.Name,
            };
    }

    /// <summary>The commands that the help lists.</summary>
    internal static IEnumerable<Command> Known(RootCommand root) =>
        root.Subcommands.Where(command => !command.Hidden);

    /// <summary>A sentence for each word that is not known, and for all else that the parser did not understand.</summary>
    private static IEnumerable<string> Problems(ParseResult parsed, RootCommand root)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.Errors.Count == 0)
            return [];
        if (command == root)
            return
            [
                parsed.UnmatchedTokens is not [var word, ..] ? "Give a command."
                : word.StartsWith('-') ? PathArgument.UnknownOption(parsed, word)
                : PathArgument.Unknown("command", word, Known(root).Select(known => known.Name)),
            ];
        var options = parsed
            .UnmatchedTokens.Where(word => word.StartsWith('-'))
            .Select(word => PathArgument.UnknownOption(parsed, word))
            .Concat(
                command.Arguments is [Argument<string[]> paths]
                    ? PathArgument.UnknownOptions(parsed, paths)
                    : []
            );
        return options.Concat(
            parsed
                .Errors.Select(error => error.Message)
                .Where(message =>
                    !parsed.UnmatchedTokens.Any(word =>
                        word.StartsWith('-') && message.Contains($"'{word}'", StringComparison.Ordinal)
                    )
                )
        );
    }

    /// <summary>
    /// A sentence for each option that is also the name of a file in the current folder: <c>*</c> may have put it there,
    /// and the file would be left out. <c>--</c> says which is which, unless it is the name of such a file itself.
    /// </summary>
    private static IReadOnlyList<string> FilesNamedLikeOptions(IReadOnlyList<string> arguments)
    {
        var suspects = arguments.Count(argument => argument == Separator) switch
        {
            0 => arguments.Where(argument => argument.StartsWith('-')),
            1 => [Separator],
            // The first one is the separator, and a later one a PATH.
            _ => [],
        };
        return
        [
            .. suspects
                .Where(IsFile)
                .Select(argument =>
                    $"'{Redaction.Plain(argument)}' looks like an option, and is the name of a file in the current folder. Write './NAME' for the file, or put '--' before the PATHs (at the end without PATHs)."
                ),
        ];
    }

    private static bool IsFile(string argument) =>
        FileKinds.Of(argument) is not (FileKind.Missing or FileKind.Unknown);

    /// <summary>
    /// The sentence, in which an argument that is a URL in the wrong place has lost its query, an option what follows its
    /// name, and what looks like a credential is masked. Blanks may be part of an argument.
    /// </summary>
    private static string WithoutSecrets(string sentence, IReadOnlyList<string> arguments)
    {
        foreach (var argument in arguments)
        {
            // An option may have taken the part behind its separator.
            var value = argument[(argument.IndexOfAny(['=', ':']) + 1)..];
            if (Redaction.LooksLikeUrl(argument))
                sentence = sentence
                    .Replace(argument, Redaction.Plain(argument))
                    .Replace(value.Length > 0 ? value : argument, Redaction.Plain(value));
            sentence = sentence
                .Replace($"'{argument}'", $"'{Core.Shown.Argument(argument)}'")
                .Replace($"'{value}'", $"'{Core.Shown.Argument(value)}'");
        }

        return sentence;
    }

    internal static Request.Misused Misuse(IEnumerable<string> sentences) =>
        new([.. sentences.Select(Shown.Line).Distinct()]);
}
