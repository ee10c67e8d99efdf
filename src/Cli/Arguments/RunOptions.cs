using System.CommandLine;
using CellOS.Export.S3.Cli.Pushing;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary>The options that <c>push</c> and <c>drain</c> have in common: seals, results, and how many at once.</summary>
internal sealed class RunOptions
{
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

    private readonly Option<string> _quiet = TextOption.Flag(
        "--quiet",
        "Failures and notes only on standard error."
    );

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_seal);
        command.Add(_seals);
        command.Add(_sealPasswordFile);
        command.Add(_format);
        command.Add(_json);
        command.Add(_runId);
        command.Add(_provenance);
        command.Add(_concurrency);
        command.Add(_quiet);
    }

    /// <summary>Reads the options into arguments.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="arguments">The arguments of the other options.</param>
    /// <param name="sentences">Takes a sentence for each thing that is wrong.</param>
    internal PushArguments Read(ParseResult parsed, PushArguments arguments, List<string> sentences)
    {
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
        return arguments with
        {
            Seal = parsed.GetValue(_seal),
            Seals = parsed.GetValue(_seals),
            SealPasswordFile = parsed.GetValue(_sealPasswordFile),
            Format =
                parsed.IsSet(_json) ? ResultFormat.Json
                : parsed.IsSet(_format) ? ResultFormats.Named(parsed.GetValue(_format))
                : null,
            RunId = runId,
            Provenance = provenance,
            Concurrency =
                TextOption.ToWhole(parsed.GetValue(_concurrency)) ?? PushArguments.DefaultConcurrency,
            Quiet = parsed.IsSet(_quiet),
        };
    }
}
