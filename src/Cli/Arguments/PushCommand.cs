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

    private readonly Option<string> _seal = TextOption.Value(
        "--seal",
        "FILE",
        "Sign what the run exported with this key: ECDSA over P-256, PKCS#8 in PEM. Needs --seals. "
            + $"Default: the key of {Variable.SealKey}."
    );

    private readonly Option<string> _seals = TextOption.Value(
        "--seals",
        "FILE",
        "Append the seal of the run to this file: one signed line for each target, also of an interrupted run, on disk "
            + "before the command ends. Default: the run is not sealed."
    );

    private readonly Option<string> _sealPasswordFile = TextOption.Value(
        "--seal-password-file",
        "FILE",
        $"The file with the password of an encrypted key. Needs --seals. Default: the file of {Variable.SealPasswordFile}."
    );

    private readonly Option<string> _format = TextOption.Choice(
        "--format",
        "FORMAT",
        "What standard output gets of each artifact, one JSON object a line. json: its receipt or its error. "
            + "cloudevents: a CloudEvents 1.0 event, completed or failed. in-toto: an unsigned in-toto Statement v1 "
            + "of what was exported; a failure has no statement, and is reported as with json. The receipts file gets receipts "
            + "in any case. Default: json.",
        ResultFormats.Names
    );

    private readonly Option<string> _json = TextOption.Flag(
        "--json",
        "The same as --format json. Without --json and --format, a terminal gets a line for people in place of JSON."
    );

    private readonly Option<string> _runId = TextOption.Value(
        "--run-id",
        "ID",
        $"The id of the run, in events, statements and seals: 1 to {EventContextModule.MaxRunId} visible ASCII characters. "
            + "Needs --format cloudevents, --format in-toto or --seals. Default: none in events; a new UUID in seals."
    );

    private readonly Option<string> _provenance = TextOption.Value(
        "--provenance",
        "TEXT",
        "The id of the event that caused the run, in events and statements. Needs --format cloudevents or in-toto."
    );

    private readonly Option<string> _concurrency = TextOption.Whole(
        "--concurrency",
        $"How many artifacts are under way at once: 1 to {PushArguments.MaxConcurrency}. "
            + $"Default: {PushArguments.DefaultConcurrency}.",
        1,
        PushArguments.MaxConcurrency
    );

    private readonly Option<string[]> _header = new("--header")
    {
        HelpName = "NAME: VALUE",
        Description =
            "A header that every artifact is sent with, such as 'x-amz-meta-run: 42'; once for each. The URL has to "
            + "be presigned with it if its name begins with x-amz-. Others may see a command line: no credential belongs there.",
    };

    private readonly Option<string> _quiet = TextOption.Flag(
        "--quiet",
        "Failures and notes only on standard error."
    );

    private readonly Argument<string[]> _paths = PathArgument.Create(
        "A file, which is exported under its name, or a folder with all files in it, which are exported under "
            + "their names relative to it. Links are not followed. Default: the artifacts of the spec."
    );

    internal PushCommand()
        : base(
            "push",
            "Exports artifacts. Standard output gets one JSON object a line for each as it ends: its receipt or its "
                + "error, or what --format says. Ends with 0 if all were exported, 1 if some were not, 2 if nothing was sent because the "
                + "command or the configuration is wrong, and 128 + N if the signal N interrupted it: 130 (SIGINT), 143 (SIGTERM)."
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
        Add(_seal);
        Add(_seals);
        Add(_sealPasswordFile);
        Add(_format);
        Add(_json);
        Add(_runId);
        Add(_provenance);
        Add(_concurrency);
        Add(_header);
        Add(_quiet);
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
        if (parsed.IsSet(_seal) && !parsed.IsSet(_seals))
            sentences.Add("--seal needs --seals FILE, which the seal of the run is appended to.");
        if (parsed.IsSet(_sealPasswordFile) && !parsed.IsSet(_seals))
            sentences.Add(
                "--seal-password-file needs --seals FILE, which the seal of the run is appended to."
            );
        if (parsed.IsSet(_json) && parsed.IsSet(_format))
            sentences.Add("--json and --format exclude each other. Give one of them.");
        var (runId, provenance) = (parsed.GetValue(_runId), parsed.GetValue(_provenance));
        var hasContext =
            parsed.IsSet(_format) && ResultFormats.Named(parsed.GetValue(_format)) != ResultFormat.Json;
        if (runId is not null && !hasContext && !parsed.IsSet(_seals))
            sentences.Add(
                "--run-id needs --format cloudevents, --format in-toto or --seals: nothing else contains it."
            );
        if (provenance is not null && !hasContext)
            sentences.Add(
                "--provenance needs --format cloudevents or --format in-toto: nothing else contains it."
            );
        if (
            EventContextModule.Create(null, CoreMapping.ToOption(runId), CoreMapping.ToOption(provenance)) is
            { IsError: true } refused
        )
            sentences.Add(refused.ErrorValue.Message);
        var metadata = HeaderValues.Read(parsed.GetValue(_header) ?? [], sentences);
        if (sentences.Count > 0)
            return CommandLine.Misuse(sentences);

        return new Request.Push(
            new PushArguments
            {
                Spec = parsed.GetRequiredValue(_spec),
                CellId = parsed.GetValue(_cellId),
                Target = parsed.GetValue(_target),
                Root = parsed.GetValue(_root),
                Receipts = receipts.FirstOrDefault(),
                OtherReceipts = [.. receipts.Skip(1)],
                Shard = shard,
                Seal = parsed.GetValue(_seal),
                Seals = parsed.GetValue(_seals),
                SealPasswordFile = parsed.GetValue(_sealPasswordFile),
                Resume = parsed.IsSet(_resume),
                AcceptUnverified = parsed.IsSet(_acceptUnverified),
                Format =
                    parsed.IsSet(_json) ? ResultFormat.Json
                    : parsed.IsSet(_format) ? ResultFormats.Named(parsed.GetValue(_format))
                    : null,
                RunId = runId,
                Provenance = provenance,
                Concurrency =
                    TextOption.ToWhole(parsed.GetValue(_concurrency)) ?? PushArguments.DefaultConcurrency,
                Metadata = metadata,
                Quiet = parsed.IsSet(_quiet),
                Paths = paths,
            }
        );
    }
}
