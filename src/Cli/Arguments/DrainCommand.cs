using System.CommandLine;
using CellOS.Export.S3.Cli.Completion;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>drain</c>: exports what a spool keeps.</summary>
internal sealed class DrainCommand : Command
{
    private readonly Option<string> _spec = TextOption
        .Value("--spec", "FILE", "The cell spec, in YAML, that the artifacts were pushed with.")
        .Required();

    private readonly Option<string> _cellId = TextOption.Value(
        "--cell-id",
        "ID",
        "Only what is kept of this cell. Default: the cell of the spec, if it has an 'id' below 'spec'; all cells if not."
    );

    private readonly Option<string> _target = TextOption.Value(
        "--target",
        "NAME",
        "Only what is kept of this target of the spec. Default: all targets, and the default sink."
    );

    private readonly Option<string> _spool = TextOption.Value(
        "--spool",
        "DIR",
        $"The folder of the spool. Default: those of the targets, as {Variable.SpoolDir}… names them."
    );

    private readonly Option<string> _receipts = TextOption.Value(
        "--receipts",
        "FILE",
        "Append each receipt to this file, one JSON object a line. An artifact is removed from the spool when its line is on "
            + "disk. Needed where standard output is a terminal, unless --json is given. Default: receipts go to standard output alone."
    );

    private readonly RunOptions _run = new();

    internal DrainCommand()
        : base(
            "drain",
            "Exports what the spools keep, and removes from them what has a receipt. Standard output gets the same as from push. "
                + "Ends with 0 if nothing of it is left, 3 if what is left failed for a temporary reason, 1 if anything else is left, 2 if nothing was "
                + "sent because the command or the configuration is wrong, and 128 + N if the signal N interrupted it."
        )
    {
        _target.CompletionSources.Add(context => TargetNames.Of(context.ParseResult, _spec));
        Add(_spec);
        Add(_cellId);
        Add(_target);
        Add(_spool);
        Add(_receipts);
        _run.AddTo(this);
    }

    internal Request Read(ParseResult parsed)
    {
        var sentences = new List<string>();
        var run = _run.Read(
            parsed,
            new PushArguments
            {
                Spec = parsed.GetRequiredValue(_spec),
                CellId = parsed.GetValue(_cellId),
                Target = parsed.GetValue(_target),
                Receipts = parsed.GetValue(_receipts),
                Paths = [],
            },
            sentences
        );
        return sentences.Count > 0
            ? CommandLine.Misuse(sentences)
            : new Request.Drain(new DrainArguments(run, parsed.GetValue(_spool)));
    }
}
