using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>The help: what the parser knows, and after it examples, variables, and where to read on.</summary>
internal static class HelpText
{
    /// <summary>The width of the help where standard output is no terminal, in characters.</summary>
    private const int Width = 100;

    /// <summary>The variables that name a source of URLs, or where the default sink is.</summary>
    private static readonly string[] Places =
    [
        Variable.PresignedUrl,
        Variable.PresignedUrlsFile,
        Variable.BrokerUrl,
        Variable.UrlCommand,
        Variable.SharedHttpUrl,
        Variable.SharedLocalFolder,
    ];

    /// <summary>True if help is asked for without an option: <c>help push</c> stands for <c>push --help</c>.</summary>
    internal static bool IsAsked(IReadOnlyList<string> arguments) =>
        arguments.Count > 0 && arguments[0] == "help";

    /// <summary>A sentence if <c>help</c> is followed by something else than one command; null if not.</summary>
    internal static string? Problem(IReadOnlyList<string> arguments, RootCommand root) =>
        arguments.Count > 2 ? "help takes one command."
        : arguments.Count == 2 && CommandLine.Known(root).All(command => command.Name != arguments[1])
            ? PathArgument.Unknown(
                "command",
                arguments[1],
                CommandLine.Known(root).Select(command => command.Name)
            )
        : null;

    /// <summary>Writes the help, or the version, that was asked for.</summary>
    internal static void Write(ParseResult parsed, TextWriter output)
    {
        if (parsed.Action is HelpAction help && Console.IsOutputRedirected)
            help.MaxWidth = Width;
        parsed.Invoke(new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false });
        // The version.
        if (parsed.Action is not HelpAction)
            return;
        Section("Examples", Examples(parsed.CommandResult.Command), output);
        if (parsed.CommandResult.Command is RootCommand or CheckCommand or PushCommand)
            Section("Variables", Variables(), output);
        Section(
            "Documents",
            [
                $"{Tool.Name} manual | man --local-file -",
                "docs/reference.md of the project: every option, variable and exit code",
                "docs/operators.md of the project: how to set it up, and what a message means",
            ],
            output
        );
    }

    private static void Section(string title, IReadOnlyList<string> lines, TextWriter output)
    {
        if (lines.Count == 0)
            return;
        output.WriteLine($"{title}:");
        foreach (var line in lines)
            output.WriteLine($"  {line}");
        output.WriteLine();
    }

    private static string[] Examples(Command command)
    {
        const string Spec = "--spec cell.yaml --cell-id cell-7";
        string[] check = [$"{Tool.Name} check {Spec} out"];
        string[] push =
        [
            $"{Tool.Name} push {Spec} --receipts receipts.jsonl out",
            $"{Tool.Name} push {Spec} --receipts receipts.jsonl --resume out",
        ];
        string[] drain = [$"{Tool.Name} drain --spec cell.yaml --receipts receipts.jsonl"];
        string[] verify =
        [
            $"{Tool.Name} verify --receipts receipts.jsonl --bundle out",
            $"{Tool.Name} verify --seals seals.jsonl --key public.pem --bundle out --html page.html",
        ];
        return command switch
        {
            RootCommand => [.. check, push[0], .. drain, verify[0]],
            CheckCommand => check,
            PushCommand => push,
            DrainCommand => drain,
            VerifyCommand => verify,
            _ => [],
        };
    }

    private static IReadOnlyList<string> Variables() =>
        [
            .. Variable
                .All.Where(variable => Places.Contains(variable.Name))
                .SelectMany(variable =>
                    new[]
                    {
                        variable.PerTarget ? $"{variable.Name}TARGET" : variable.Name,
                        $"    {variable.Meaning.Replace("`", "")}",
                    }
                ),
            "TARGET is the target's name in upper case, with a _ for each other character.",
            $"The manual has all {Variable.All.Length}. 'check' shows each setting, and where it comes from.",
        ];
}
