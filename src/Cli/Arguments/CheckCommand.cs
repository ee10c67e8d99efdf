using System.CommandLine;
using CellOS.Export.S3.Cli.Completion;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>check</c>: what the spec and the environment result in.</summary>
internal sealed class CheckCommand : Command
{
    private readonly Option<string> _spec = TextOption
        .Value("--spec", "FILE", "The cell spec, in YAML.")
        .Required();

    private readonly Option<string> _cellId = TextOption.Value(
        "--cell-id",
        "ID",
        "Check the URLs for this cell too: one path segment of at most 255 bytes. Default: the 'id' below 'spec' in the cell "
            + "spec; another one than that is refused."
    );

    private readonly Option<string> _target = TextOption.Value(
        "--target",
        "NAME",
        "Only this target of the spec. Default: all of them."
    );

    private readonly Option<string> _root = TextOption.Value(
        "--root",
        "DIR",
        "The folder that the spec's artifacts lie below, as for push: an artifact without a file there is an "
            + "error. Default: the current one, and a warning."
    );

    private readonly Option<string> _shard = ShardOption.Create();

    private readonly Option<string> _json = TextOption.Flag("--json", "Write JSON in place of tables.");

    private readonly Option<string> _probe = TextOption.Flag(
        "--probe",
        "Ask each broker and command for the URL of an artifact that does not exist, and show what it signs. Nothing is "
            + "sent to the store. Needs a cell id."
    );

    private readonly Argument<string[]> _paths = PathArgument.Create(
        "A file or folder, as for push: list the artifacts with their keys and sizes, for the presigner. Needs a cell id."
    );

    internal CheckCommand()
        : base(
            "check",
            "Shows each target with its settings, where each came from, and what is wrong with them. Nothing is sent to the store. "
                + "Ends with 0 if push would accept all of it, with 2 if not."
        )
    {
        _target.CompletionSources.Add(context => TargetNames.Of(context.ParseResult, _spec));
        Add(_spec);
        Add(_cellId);
        Add(_target);
        Add(_root);
        Add(_shard);
        Add(_json);
        Add(_probe);
        Add(_paths);
    }

    internal Request Read(ParseResult parsed)
    {
        var sentences = new List<string>();
        var paths = PathArgument.Read(parsed, _paths, sentences);
        var shard = ShardOption.Read(parsed, _shard, sentences);
        if (sentences.Count > 0)
            return CommandLine.Misuse(sentences);

        return new Request.Check(
            new CheckArguments
            {
                Spec = parsed.GetRequiredValue(_spec),
                CellId = parsed.GetValue(_cellId),
                Target = parsed.GetValue(_target),
                Root = parsed.GetValue(_root),
                Shard = shard,
                Json = parsed.IsSet(_json),
                Probe = parsed.IsSet(_probe),
                Paths = paths,
            }
        );
    }
}
