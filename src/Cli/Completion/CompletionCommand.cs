using System.CommandLine;
using System.CommandLine.Completions;
using CellOS.Export.S3.Cli.Arguments;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary><c>completion</c>: the script with which a shell completes this tool's command lines.</summary>
internal sealed class CompletionCommand : Command
{
    private static readonly string[] Shells = ["bash", "zsh", "fish"];

    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh or fish." };

    internal CompletionCommand()
        : base(
            "completion",
            "Writes a script that completes commands, options, files and the targets of the spec, for bash, zsh or fish. "
                + "In bash: source <(cellos-export-s3 completion bash)."
        )
    {
        _shell.CompletionSources.Add(_ => Shells.Select(shell => new CompletionItem(shell)));
        _shell.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !Shells.Contains(token.Value))
                result.AddError(
                    $"'{Core.Shown.Argument(token.Value)}' is not a shell that can be completed. Give bash, zsh or fish."
                );
        });
        Add(_shell);
    }

    internal Request Write(ParseResult parsed, TextWriter output)
    {
        using var script =
            typeof(CompletionCommand).Assembly.GetManifestResourceStream(parsed.GetRequiredValue(_shell))
            ?? throw new InvalidOperationException("the script is not in the assembly.");
        output.Write(new StreamReader(script).ReadToEnd());
        return new Request.Shown();
    }
}
