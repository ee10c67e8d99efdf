using System.CommandLine;
using CellOS.Export.S3.Cli.Completion;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>check</c>: what the spec and the environment come to.</summary>
internal sealed class CheckCommand : Command
{
    private readonly Option<string> _spec = TextOption
        .Value("--spec", "FILE", "The cell spec, in YAML.")
        .Required();

    private readonly Option<string> _cellId = TextOption.Value(
        "--cell-id",
        "ID",
        "Check the URLs for this cell too: one path segment of at most 255 bytes."
    );

    private readonly Option<string> _target = TextOption.Value(
        "--target",
        "NAME",
        "Only this target of the spec. Default: all of them."
    );

    private readonly Option<string> _json = TextOption.Flag("--json", "Write JSON in place of tables.");

    internal CheckCommand()
        : base(
            "check",
            "Shows each target with its settings, where each came from, and what is wrong with them. Nothing is sent. "
                + "Ends with 0 if push would accept all of it, with 2 if not."
        )
    {
        _target.CompletionSources.Add(context => TargetNames.Of(context.ParseResult, _spec));
        Add(_spec);
        Add(_cellId);
        Add(_target);
        Add(_json);
    }

    internal Request Read(ParseResult parsed) =>
        new Request.Check(
            new CheckArguments
            {
                Spec = parsed.GetRequiredValue(_spec),
                CellId = parsed.GetValue(_cellId),
                Target = parsed.GetValue(_target),
                Json = parsed.IsSet(_json),
            }
        );
}
