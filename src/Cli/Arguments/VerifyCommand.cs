using System.CommandLine;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Cli.Arguments;

/// <summary><c>verify</c>: what an auditor checks later.</summary>
internal sealed class VerifyCommand : Command
{
    private readonly Option<string[]> _receipts = Several(
        "--receipts",
        "FILE",
        "Files of receipts: those that push --receipts wrote, or what it wrote to standard output in any --format. The receipt "
            + "of an object that was completed last counts. Default: the receipts that the seals state."
    );

    private readonly Option<string[]> _seals = Several(
        "--seals",
        "FILE",
        "Files of seals, each as push --seals wrote it. Needs --key. Default: seals are not checked."
    );

    private readonly Option<string[]> _envelopes = Several(
        "--envelope",
        "FILE",
        "Files with one DSSE envelope or Sigstore bundle each, in which another program signed the statement of a run, or that of an artifact "
            + "(push --format in-toto). Needs --key. Default: none."
    );

    private readonly Option<string[]> _keys = Several(
        "--key",
        "FILE",
        "PEM files with the public keys whose signatures count: ECDSA over P-256. Give the keys of all years."
    );

    private readonly Option<string[]> _heads = Several(
        "--head",
        "COUNT:SHA256",
        "A head that was noted elsewhere, as push reports it: one of the files of seals has to contain it, so that seals that "
            + "were removed from the end are detected. Without it, they are not."
    );

    private readonly Option<string> _bundle = TextOption.Value(
        "--bundle",
        "DIR",
        "The folder with the evidence, which is compared with the receipts: the files have the names of the artifacts, or the keys of "
            + "the objects. Links are not followed. Default: no file is compared."
    );

    private readonly Option<string> _acceptUnverified = TextOption.Flag(
        "--accept-unverified",
        "Accept receipts that are unverified: the store did not confirm what it stored. Default: they fail."
    );

    private readonly Option<string> _acceptUnsealed = TextOption.Flag(
        "--accept-unsealed",
        "Accept receipts that no valid seal states, such as those of a run that was killed. Anybody can write such a receipt. "
            + "Default: they fail if seals are given."
    );

    private readonly Option<string> _json = TextOption.Flag(
        "--json",
        "Write one JSON object a line for each seal, each line of receipts that is damaged, and each artifact, and a summary at "
            + "the end. Default: what failed, counts and the verdict, for people."
    );

    private readonly Option<string> _html = TextOption.Value(
        "--html",
        "FILE",
        "Write a page for a browser as well: the verdict, what failed first, what was checked, seals and artifacts. It is one file that "
            + "loads nothing. An older page is replaced. Default: no page."
    );

    internal VerifyCommand()
        : base(
            "verify",
            "Verifies receipts, seals and evidence against each other, without a network. Ends with 0 if everything is as it "
                + "was exported, 1 if a check failed, and 2 if an input cannot be read."
        )
    {
        Add(_receipts);
        Add(_seals);
        Add(_envelopes);
        Add(_keys);
        Add(_heads);
        Add(_bundle);
        Add(_acceptUnverified);
        Add(_acceptUnsealed);
        Add(_json);
        Add(_html);
    }

    /// <summary>An option that takes one value or more, as a shell makes of <c>*.jsonl</c>, and may be repeated.</summary>
    private static Option<string[]> Several(string name, string valueName, string description)
    {
        var option = TextOption.Values(name, valueName, description);
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }

    internal Request Read(ParseResult parsed)
    {
        // Several values may follow an option, so that the parser takes an unknown option for one of them.
        var sentences = Options
            .OfType<Option<string[]>>()
            .SelectMany(option => parsed.GetValue(option) ?? [])
            .Where(value => value.StartsWith('-'))
            .Select(value =>
                $"There is no option '{Shown.Argument(value)}'. Write './NAME' for a file of that name."
            )
            .ToList();
        var heads = new List<SealHead>();
        foreach (var text in parsed.GetValue(_heads) ?? [])
        {
            var head = SealHeadModule.Parse(text);
            if (head.IsOk)
                heads.Add(head.ResultValue);
            else
                sentences.Add($"--head: {head.ErrorValue.Message}");
        }

        var hasSeals = parsed.IsSet(_seals) || parsed.IsSet(_envelopes);
        if (!hasSeals && !parsed.IsSet(_receipts))
            sentences.Add("verify needs --receipts FILE, --seals FILE or both.");
        if (hasSeals && !parsed.IsSet(_keys))
            sentences.Add(
                "--seals and --envelope need --key FILE: a seal proves something only by a key that you have from somewhere else."
            );
        if (!hasSeals && parsed.IsSet(_keys))
            sentences.Add("--key needs --seals FILE, whose signatures it is for.");
        if (!parsed.IsSet(_seals) && parsed.IsSet(_heads))
            sentences.Add("--head needs --seals FILE, which has to contain it.");
        if (!hasSeals && parsed.IsSet(_acceptUnsealed))
            sentences.Add("--accept-unsealed needs --seals FILE: without it, no seal is checked.");
        if (sentences.Count > 0)
            return CommandLine.Misuse(sentences);

        return new Request.Verify(
            new VerifyArguments
            {
                Receipts = parsed.GetValue(_receipts) ?? [],
                Seals = parsed.GetValue(_seals) ?? [],
                Envelopes = parsed.GetValue(_envelopes) ?? [],
                Keys = parsed.GetValue(_keys) ?? [],
                Heads = heads,
                Bundle = parsed.GetValue(_bundle),
                AcceptUnverified = parsed.IsSet(_acceptUnverified),
                AcceptUnsealed = parsed.IsSet(_acceptUnsealed),
                Json = parsed.IsSet(_json),
                Html = parsed.GetValue(_html),
            }
        );
    }
}
