using System.CommandLine;
using CellOS.Export.S3.Cli.Completion;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>push</c>: exports artifacts.</summary>
internal sealed class PushCommand : Command
{
    private readonly Option<string> _spec = TextOption
        .Value("--spec", "FILE", "The cell spec, in YAML.")
        .Required();

    private readonly Option<string> _cellId = TextOption.Value(
        "--cell-id",
        "ID",
        "The cell whose evidence this is: one path segment of at most 255 bytes. Default: the 'id' below 'spec' in the cell "
            + "spec; another one than that is refused."
    );

    private readonly Option<string> _target = TextOption.Value(
        "--target",
        "NAME",
        "The target of the spec that takes all PATHs. Default: the only one."
    );

    private readonly Option<string> _root = TextOption.Value(
        "--root",
        "DIR",
        "The folder that the spec's artifacts lie below. Default: the current one."
    );

    private readonly Option<string[]> _receipts = TextOption.Values(
        "--receipts",
        "FILE",
        "Append each receipt to this file, one JSON object a line, on disk before the next artifact begins. With --resume it "
            + "may be given several times: the first file is written, and the others, such as those of other shards, are only "
            + "read. Default: receipts go to standard output alone."
    );

    private readonly Option<string> _shard = ShardOption.Create();

    private readonly Option<string> _resume = TextOption.Flag(
        "--resume",
        "Leave out what FILE has a receipt of: same cell, artifact, destination, size and SHA-256, and a digest that "
            + "the store confirmed."
    );

    private readonly Option<string> _acceptUnverified = TextOption.Flag(
        "--accept-unverified",
        "With --resume: rely on receipts of which the store confirmed no digest (\"unverified\") as well."
    );

    private readonly Option<string[]> _header = new("--header")
    {
        HelpName = "NAME: VALUE",
        Description =
            "A header that every artifact is sent with, such as 'x-amz-meta-run: 42'; once for each. The URL has to "
            + "be presigned with it if its name begins with x-amz-. Others may see a command line: no credential belongs there.",
    };

    private readonly RunOptions _run = new();

    private readonly Argument<string[]> _paths = PathArgument.Create(
        "A file, which is exported under its name, or a folder with all files in it, which are exported under "
            + "their names relative to it. Links are not followed. Default: the artifacts of the spec."
    );

    internal PushCommand()
        : base(
            "push",
            "Exports artifacts. Standard output gets one JSON object a line for each as it ends: its receipt or its "
                + "error, or what --format says. Ends with 0 if all were exported, 1 if some were not, 2 if nothing was sent because the "
                + "command or the configuration is wrong, 3 if what was not exported is kept in a spool, and 128 + N if the signal N interrupted it: 130 (SIGINT), 143 (SIGTERM)."
        )
    {
        _target.CompletionSources.Add(context => TargetNames.Of(context.ParseResult, _spec));
        Add(_spec);
        Add(_cellId);
        Add(_target);
        Add(_root);
        Add(_shard);
        Add(_receipts);
        Add(_resume);
        Add(_acceptUnverified);
        _run.AddTo(this);
        Add(_header);
        Add(_paths);
    }

    internal Request Read(ParseResult parsed)
    {
        var sentences = new List<string>();
        var paths = PathArgument.Read(parsed, _paths, sentences);
        var shard = ShardOption.Read(parsed, _shard, sentences);
        var receipts = parsed.GetValue(_receipts) ?? [];
        if (receipts.Length > 1 && !parsed.IsSet(_resume))
            sentences.Add(
                "Several --receipts need --resume: receipts are appended to the first file, and only --resume reads the others."
            );
        if (parsed.IsSet(_resume) && receipts.Length == 0)
            sentences.Add("--resume needs --receipts FILE, which tells what has been exported.");
        if (parsed.IsSet(_acceptUnverified) && !parsed.IsSet(_resume))
            sentences.Add("--accept-unverified needs --resume, whose receipts it is about.");
        var metadata = HeaderValues.Read(parsed.GetValue(_header) ?? [], sentences);
        var arguments = _run.Read(
            parsed,
            new PushArguments
            {
                Spec = parsed.GetRequiredValue(_spec),
                CellId = parsed.GetValue(_cellId),
                Target = parsed.GetValue(_target),
                Root = parsed.GetValue(_root),
                Receipts = receipts.FirstOrDefault(),
                OtherReceipts = [.. receipts.Skip(1)],
                Shard = shard,
                Resume = parsed.IsSet(_resume),
                AcceptUnverified = parsed.IsSet(_acceptUnverified),
                Metadata = metadata,
                Paths = paths,
            },
            sentences
        );
        return sentences.Count > 0 ? CommandLine.Misuse(sentences) : new Request.Push(arguments);
    }
}
