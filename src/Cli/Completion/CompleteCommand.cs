using System.CommandLine;
using CellOS.Export.S3.Cli.Arguments;

namespace CellOS.Export.S3.Cli.Completion;

/// <summary><c>complete -- WORD...</c>: what the scripts of <c>completion</c> call.</summary>
internal sealed class CompleteCommand : Command
{
    private readonly Argument<string[]> _words = new("WORD") { Arity = ArgumentArity.ZeroOrMore };

    internal CompleteCommand()
        : base("complete")
    {
        Hidden = true;
        Add(_words);
    }

    internal Request Write(RootCommand root, ParseResult parsed, TextWriter output)
    {
        foreach (var line in Suggestions.For(root, parsed.GetValue(_words) ?? []))
            output.WriteLine(line);
        return new Request.Shown();
    }
}
